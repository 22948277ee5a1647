//! Who talks to whom, as a drawing or as a list. Who: the frame, as a chunk of its own.
//! **Invariant:** scope, grouping and metric are in the address; what is selected or searched for is not.
import { Button, SearchInput } from '@patternfly/react-core';
import { ListIcon, TopologyIcon } from '@patternfly/react-icons';
import { useCallback, useMemo, useState } from 'react';
import type { Losses } from '../../api/types';
import { Busy } from '../../components/Busy';
import { ErrorView, LoadingRows, NothingFound, RefreshFailed } from '../../components/StateViews';
import { usePage } from '../../hooks/use-page';
import { useSetting } from '../../hooks/use-settings';
import { useText } from '../../hooks/use-text';
import { formatMs } from '../../model/format';
import { Canvas } from './Canvas';
import { ConnectionList } from './ConnectionList';
import { ElementPanel } from './ElementPanel';
import type { Selection } from './focus';
import type { GraphEdge } from './graph';
import './topology.css';
import { TopologyOptions, TopologySummary } from './TopologyOptions';
import { useLayout } from './use-layout';
import { useTopology } from './use-topology';

/** The frame's shortcut focuses the marked element, which must be the input itself. */
const markSearch = (input: HTMLInputElement | null) => input?.setAttribute('data-shortcut', '/');

const TopologyPage = ({ losses }: { losses?: Losses }) => {
  const t = useText();
  const { tick } = usePage();
  const topology = useTopology();
  const { traffic, rtt, picture, shape, toggleGroup } = topology;
  const layout = useLayout(picture, shape);
  // An empty answer has no positions to wait for.
  const drawn = picture?.graph.nodes.length === 0 ? picture : layout?.picture;
  const graph = drawn?.graph;
  const [selection, setSelection] = useState<Selection>();
  const [isList, setIsList] = useSetting('netflow-traffic-topology-list', false);
  const [search, setSearch] = useState('');
  const [match, setMatch] = useState(0);

  const found = useMemo(() => {
    const needle = search.trim().toLowerCase();
    return needle && graph
      ? graph.nodes
          .filter(node =>
            [node.label, node.detail ?? '', node.cluster].some(each => each.toLowerCase().includes(needle))
          )
          .map(node => node.id)
      : [];
  }, [graph, search]);
  const position = found.length ? ((match % found.length) + found.length) % found.length : 0;
  const foundSet = useMemo(() => new Set(found), [found]);

  const edgeTitle = useCallback(
    (edge: GraphEdge) => {
      const format = drawn?.format ?? String;
      const name = (id: string) => graph?.nodes.find(node => node.id === id)?.label ?? '';
      return [
        `${name(edge.source)} → ${name(edge.target)}: ${format(edge.forward)}`,
        `${name(edge.target)} → ${name(edge.source)}: ${format(edge.backward)}`,
        ...(edge.rttMs ? [`${t('Round trip, p90')}: ${formatMs(edge.rttMs)}`] : []),
        ...edge.problems.map(problem => t(problem))
      ].join('\n');
    },
    [graph, drawn, t]
  );
  const close = useCallback(() => setSelection(undefined), []);
  const toggle = (id: string, isOpen: boolean) => {
    setSelection(undefined);
    toggleGroup(id, isOpen);
  };

  const hasNodes = !!graph?.nodes.length;
  // A failed refresh keeps the drawing; a failed first answer has none.
  const error = traffic.data ? undefined : traffic.error;
  return (
    <div className="netobserv-split">
      <div className="netobserv-main">
        <Busy isBusy={traffic.isLoading && !!(graph ?? traffic.error)} onCancel={traffic.cancel} />
        {!graph && !traffic.error && <LoadingRows />}
        {error && <ErrorView error={error} />}
        {!error && traffic.error && <RefreshFailed error={traffic.error} loadedAt={traffic.loadedAt} />}
        {graph && !error && !hasNodes && <NothingFound key={tick} />}
        {drawn && hasNodes && !error && isList && (
          <ConnectionList graph={drawn.graph} selection={selection} format={drawn.format} onSelect={setSelection} />
        )}
        {layout && drawn && hasNodes && !error && !isList && (
          <Canvas
            graph={layout.picture.graph}
            layout={layout}
            selection={selection}
            found={foundSet}
            shown={found[position]}
            format={drawn.format}
            edgeTitle={edgeTitle}
            onSelect={setSelection}
            onToggleGroup={id => toggle(id, false)}
          />
        )}
        {hasNodes && !error && (
          <div className="netobserv-topo-tools">
            {!isList && (
              <SearchInput
                id="search-topology-element-input"
                ref={markSearch}
                value={search}
                placeholder={t('Find a node')}
                aria-label={t('Find a node')}
                resultsCount={search ? `${found.length ? position + 1 : 0} / ${found.length}` : undefined}
                onChange={(_event, value) => {
                  setSearch(value);
                  setMatch(0);
                }}
                onSearch={() =>
                  found[position] === undefined ? undefined : setSelection({ kind: 'node', id: found[position] })
                }
                onNextClick={() => setMatch(position + 1)}
                onPreviousClick={() => setMatch(position - 1)}
                onClear={() => setSearch('')}
              />
            )}
            <Button
              variant="secondary"
              icon={isList ? <TopologyIcon /> : <ListIcon />}
              aria-label={isList ? t('Show as a drawing') : t('Show as a list')}
              title={isList ? t('Show as a drawing') : t('Show as a list')}
              onClick={() => setIsList(!isList)}
            />
          </div>
        )}
      </div>
      {drawn && selection && (
        <ElementPanel
          graph={drawn.graph}
          set={drawn.set}
          rtt={rtt}
          selection={selection}
          format={drawn.format}
          isTime={drawn.isTime}
          onSelect={setSelection}
          onToggleGroup={toggle}
          onClose={close}
        />
      )}
      <TopologyOptions topology={topology} onChange={close} />
      <TopologySummary topology={topology} losses={losses} />
    </div>
  );
};

export default TopologyPage;
