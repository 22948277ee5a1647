//! Horizontal bars: name, value, share, change against the range before. Who: overview panels, topology panels.
//! **Invariant:** a list, so that a screen reader reads it; bars repeat what the numbers say.
import { useText } from '../../hooks/use-text';
import { formatPercent } from '../../model/format';
import { NameButton, type NameActions } from './NameButton';

export interface Bar extends NameActions {
  id: string;
  name: string;
  detail?: string;
  value: number;
  text: string;
  share?: number;
  change?: Change;
  /** A CSS variable. */
  color: string;
  /** What a click on the name does, if it does not open details. */
  title?: string;
}

/** A ratio, or that there was nothing before; missing if not known. */
export type Change = number | 'new';

interface Props {
  name: string;
  bars: Bar[];
}

const NOTABLE_CHANGE = 0.005;
const MUCH_MORE = 10;

export const changeText = (change: number): string => {
  if (Math.abs(change) < NOTABLE_CHANGE) {
    return '±0 %';
  }
  const sign = change > 0 ? '▲' : '▼';
  return change >= MUCH_MORE ? `${sign} ×${Math.round(change + 1)}` : `${sign} ${formatPercent(Math.abs(change))}`;
};

export const BarList = ({ name, bars }: Props) => {
  const t = useText();
  const max = bars.reduce((top, bar) => Math.max(top, bar.value), 0) || 1;
  return (
    <ol className="netobserv-bars" aria-label={name}>
      {bars.map(bar => (
        <li key={bar.id} className="netobserv-bars-row">
          <span className="netobserv-bars-name">
            <NameButton name={bar.name} onPick={bar.onPick} onMenu={bar.onMenu} title={bar.title} />
            {bar.detail && <span className="netobserv-subtle netobserv-ellipsis">{bar.detail}</span>}
          </span>
          <span className="netobserv-bars-number netobserv-subtle" title={t('Change against the time before')}>
            {bar.change === undefined ? '' : bar.change === 'new' ? t('new') : changeText(bar.change)}
          </span>
          <span className="netobserv-bars-number netobserv-subtle">
            {bar.share === undefined ? '' : formatPercent(bar.share)}
          </span>
          <span className="netobserv-bars-number">{bar.text}</span>
          <span className="netobserv-bars-track">
            <span
              className="netobserv-bars-bar"
              style={{ inlineSize: `${Math.max(0.5, (bar.value / max) * 100)}%`, background: `var(${bar.color})` }}
            />
          </span>
        </li>
      ))}
    </ol>
  );
};
