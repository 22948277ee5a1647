//! A name in a chart that becomes a filter, or does what `title` says, when clicked. Who: legends, bars, the heat strip.
//! **Invariant:** what cannot be filtered on is plain text, never a button without effect.
import { useText } from '../../hooks/use-text';

interface Props {
  name: string;
  onFilter?: () => void;
  title?: string;
}

export const NameButton = ({ name, onFilter, title }: Props) => {
  const t = useText();
  if (!onFilter) {
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
      title={title ?? t('Filter on {{field}}', { field: name })}
      onClick={onFilter}
    >
      {name}
    </button>
  );
};
