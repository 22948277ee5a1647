//! Who talks to whom, as a drawing or as a list. Who: the frame, as a chunk of its own.
//! **Invariant:** scope, grouping and metric are in the address; what is selected or searched for is not.
import { useCallback, useState } from 'react';
import { Busy } from '../../components/Busy';
import { CrashView, ErrorView, LoadingRows, NothingFound, RefreshFailed } from '../../components/StateViews';
import { isFlag, useSetting } from '../../hooks/use-settings';
import { useText } from '../../hooks/use-text';
import { formatMs } from '../../model/format';
import { Canvas } from './Canvas';
import { ConnectionList } from './ConnectionList';
import { ElementPanel } from './ElementPanel';
import type { Selection } from './focus';
import type { GraphEdge } from './graph';
import './topology.css';
import { TopologyOptions, TopologySummary } from './TopologyOptions';
import { TopologyTools } from './TopologyTools';
import { useLayout } from './use-layout';
import { useSearch } from './use-search';
import { useTopology } from './use-topology';

const TopologyPage = () => {
  const t = useText();
  const topology = useTopology();
  const { traffic, rtt, picture, shape, toggleGroup } = topology;
  const [isList, setIsList] = useSetting('netflow-traffic-topology-list', isFlag, false);
  const { layout, failure } = useLayout(picture, shape);
  // Only a drawing has positions to wait for.
  const drawn = isList || picture?.graph.nodes.length === 0 ? picture : layout?.picture;
  const graph = drawn?.graph;
  const [selection, setSelection] = useState<Selection>();
  const search = useSearch(drawn);

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
        <Busy />
        {failure && !isList && !traffic.error && <CrashView error={failure} />}
        {!graph && !traffic.error && (isList || !failure) && <LoadingRows />}
        {error && <ErrorView error={error} />}
        {!error && traffic.error && <RefreshFailed error={traffic.error} loadedAt={traffic.loadedAt} />}
        {graph && !error && !hasNodes && <NothingFound />}
        {drawn && hasNodes && !error && isList && (
          <ConnectionList
            isStale={traffic.isStale}
            graph={drawn.graph}
            selection={selection}
            format={drawn.format}
            onSelect={setSelection}
          />
        )}
        {layout && drawn && hasNodes && !error && !isList && !failure && (
          <Canvas
            graph={layout.picture.graph}
            isStale={traffic.isStale}
            layout={layout}
            selection={selection}
            found={search.foundSet}
            shown={search.found[search.position]}
            format={drawn.format}
            edgeTitle={edgeTitle}
            onSelect={setSelection}
            onToggleGroup={id => toggle(id, false)}
          />
        )}
        {(hasNodes || failure) && !error && (
          <TopologyTools
            search={search}
            small={drawn?.small}
            isList={isList}
            onList={setIsList}
            onSelect={setSelection}
          />
        )}
      </div>
      {drawn && selection && (
        <ElementPanel
          graph={drawn.whole}
          set={drawn.set}
          rtt={rtt}
          selection={selection}
          format={drawn.format}
          formatPoint={drawn.formatPoint}
          isTime={drawn.isTime}
          unknownSince={drawn.unknownSince}
          onSelect={setSelection}
          onToggleGroup={toggle}
          onClose={close}
        />
      )}
      <TopologyOptions topology={topology} onChange={close} />
      <TopologySummary topology={topology} />
    </div>
  );
};

export default TopologyPage;
