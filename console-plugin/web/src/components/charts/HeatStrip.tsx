//! One row of cells per name, darker where the value was higher. Who: the round trip panel.
//! **Invariant:** colours are on one scale for all rows; the number at the right and the table say it in words.
import { formatWithin } from '../../model/format';
import { heatScale } from './heat';
import { NameButton, type NameActions } from './NameButton';

export interface HeatRow extends NameActions {
  id: string;
  name: string;
  values: (number | null)[];
  text: string;
}

interface Props {
  name: string;
  times: number[];
  rows: HeatRow[];
  format: (value: number) => string;
}

const CELL = 10;
const HEIGHT = 20;

export const HeatStrip = ({ name, times, rows, format }: Props) => {
  const level = heatScale(rows.map(row => row.values));
  const timeText = (index: number) => formatWithin(times[index]! * 1000, times.at(-1)! - times[0]!);
  return (
    <div className="netobserv-heat" role="list" aria-label={name}>
      {rows.map(row => (
        <div key={row.id} role="listitem" className="netobserv-heat-row">
          <NameButton name={row.name} onPick={row.onPick} onMenu={row.onMenu} />
          <svg viewBox={`0 0 ${times.length * CELL} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden>
            {row.values.map((value, index) => {
              const heat = level(value);
              return (
                <rect
                  key={times[index]}
                  className={heat === undefined ? 'netobserv-heat-none' : `netobserv-heat-${heat}`}
                  x={index * CELL}
                  width={CELL - 1}
                  height={HEIGHT}
                >
                  <title>{`${timeText(index)}: ${value === null ? '–' : format(value)}`}</title>
                </rect>
              );
            })}
          </svg>
          <span className="netobserv-bars-number">{row.text}</span>
        </div>
      ))}
    </div>
  );
};
