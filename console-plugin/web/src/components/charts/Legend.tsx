//! Names of a chart's series beside their colours. Who: panels with a `TimeChart`.
//! **Invariant:** hovering or focusing a name brings its series forward; clicking it opens its details.
import { NameButton, type NameActions } from './NameButton';

export interface LegendItem extends NameActions {
  id: string;
  name: string;
  /** A CSS variable. */
  color: string;
}

interface Props {
  name: string;
  items: LegendItem[];
  onFocus?: (id: string | undefined) => void;
}

export const Legend = ({ name, items, onFocus }: Props) => (
  <ul className="netobserv-legend" aria-label={name}>
    {items.map(item => (
      <li
        key={item.id}
        onMouseEnter={() => onFocus?.(item.id)}
        onMouseLeave={() => onFocus?.(undefined)}
        onFocus={() => onFocus?.(item.id)}
        onBlur={() => onFocus?.(undefined)}
      >
        <span className="netobserv-swatch" style={{ background: `var(${item.color})` }} />
        <NameButton name={item.name} onPick={item.onPick} onMenu={item.onMenu} />
      </li>
    ))}
  </ul>
);
