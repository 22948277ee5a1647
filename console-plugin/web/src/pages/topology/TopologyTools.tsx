//! What stands on the drawing: what is too small to be drawn, the search, and the list in place of the drawing.
//! Who: `TopologyPage`. **Invariant:** what is hidden is said with its number and its share, and one click shows it.
import { Button, SearchInput } from '@patternfly/react-core';
import { EyeIcon, EyeSlashIcon, ListIcon, TopologyIcon } from '@patternfly/react-icons';
import { usePage } from '../../hooks/use-page';
import { useText } from '../../hooks/use-text';
import { formatCount, formatPercent } from '../../model/format';
import type { Selection } from './focus';
import type { Small } from './small';
import type { Search } from './use-search';

/** The frame's shortcut focuses the marked element, which must be the input itself. */
const markSearch = (input: HTMLInputElement | null) => input?.setAttribute('data-shortcut', '/');

interface Props {
  search: Search;
  small?: Small;
  isList: boolean;
  onList: (isList: boolean) => void;
  onSelect: (selection: Selection) => void;
}

export const TopologyTools = ({ search, small, isList, onList, onSelect }: Props) => {
  const t = useText();
  const { text, setText, found, position, setPosition } = search;
  const listLabel = isList ? t('Show as a drawing') : t('Show as a list');
  return (
    <div className="netobserv-topo-tools">
      {small && <SmallControl small={small} hiddenMatches={isList ? 0 : search.hidden} />}
      {!isList && (
        <SearchInput
          id="search-topology-element-input"
          ref={markSearch}
          value={text}
          placeholder={t('Find a node')}
          aria-label={t('Find a node')}
          resultsCount={text ? `${found.length ? position + 1 : 0} / ${found.length}` : undefined}
          onChange={(_event, value) => setText(value)}
          onSearch={() => (found[position] === undefined ? undefined : onSelect({ kind: 'node', id: found[position] }))}
          onNextClick={() => setPosition(position + 1)}
          onPreviousClick={() => setPosition(position - 1)}
          onClear={() => setText('')}
        />
      )}
      <Button
        variant="secondary"
        icon={isList ? <TopologyIcon /> : <ListIcon />}
        aria-label={listLabel}
        title={listLabel}
        onClick={() => onList(!isList)}
      />
    </div>
  );
};

const SmallControl = ({ small, hiddenMatches }: { small: Small; hiddenMatches: number }) => {
  const t = useText();
  const { state, change } = usePage();
  const isShown = state.isShowingSmall;
  const share = formatPercent(small.share);
  const counted = { count: small.edges, shown: formatCount(small.edges), share };
  return (
    <Button
      variant="secondary"
      id="small-connections-toggle"
      icon={isShown ? <EyeSlashIcon /> : <EyeIcon />}
      title={t('The smallest connections, together {{share}} of the traffic; {{nodes}} nodes have no other', {
        share,
        nodes: formatCount(small.nodes)
      })}
      onClick={() => change({ isShowingSmall: !isShown })}
    >
      {isShown
        ? t('Hide the smaller ones')
        : hiddenMatches > 0
          ? t('{{count}} smaller ones hidden: {{matches}} match', { ...counted, matches: formatCount(hiddenMatches) })
          : t('{{count}} smaller ones hidden, {{share}} of the traffic', counted)}
    </Button>
  );
};
