//! A name in a chart that opens what is known of it, or does what `title` says, when clicked. Who: legends, bars, the
//! heat strip. **Invariant:** what nothing more can be said of is plain text, never a button without effect.
import { useText } from '../../hooks/use-text';

export interface Point {
  x: number;
  y: number;
}

/** What a name does. */
export interface NameActions {
  onPick?: () => void;
  /** The context menu, at a place of the window. */
  onMenu?: (at: Point) => void;
}

interface Props extends NameActions {
  name: string;
  title?: string;
}

export const NameButton = ({ name, onPick, onMenu, title }: Props) => {
  const t = useText();
  if (!onPick) {
    return (
      <span className="netobserv-ellipsis" title={name}>
        {name}
      </span>
    );
  }
  return (
    <button
      type="button"
      className="netobserv-name-button"
      title={title ?? t('Show details of {{name}}', { name })}
      onClick={onPick}
      onContextMenu={event => {
        if (onMenu) {
          event.preventDefault();
          onMenu({ x: event.clientX, y: event.clientY });
        }
      }}
    >
      {name}
    </button>
  );
};
