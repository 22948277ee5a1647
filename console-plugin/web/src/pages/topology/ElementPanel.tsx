//! What is known of a node or an edge: rates over time, peers, problems, and what to do next. Who: `TopologyPage`.
//! **Invariant:** shows what the graph's own series say; it asks the back end for nothing.
import { ExclamationTriangleIcon } from '@patternfly/react-icons';
import { ActionButtons } from '../../components/ActionButtons';
import { BarList } from '../../components/charts/BarList';
import { Legend } from '../../components/charts/Legend';
import { alignTo } from '../../components/charts/stack';
import { TimeChart, type ChartSeries } from '../../components/charts/TimeChart';
import { SidePanel } from '../../components/SidePanel';
import { useActions } from '../../hooks/use-actions';
import type { MetricData } from '../../hooks/use-metrics';
import { useText } from '../../hooks/use-text';
import { formatCount, formatMs, formatSi } from '../../model/format';
import type { Series } from '../../model/series';
import type { Selection } from './focus';
import type { Graph, GraphEdge, GraphNode } from './graph';
import { LATEST_HINT } from './TopologyOptions';

interface Props {
  /** With what is too small to be drawn, so that numbers and lists add up. */
  graph: Graph;
  set: MetricData;
  rtt?: MetricData;
  selection: Selection;
  format: (value: number) => string;
  formatPoint: (value: number) => string;
  isTime: boolean;
  /** Of latest values: until when they are, if nothing is known of the time since. */
  unknownSince?: string;
  onSelect: (selection: Selection) => void;
  onToggleGroup: (group: string, isOpen: boolean) => void;
  onClose: () => void;
}

const PEERS_SHOWN = 12;
const CHART_HEIGHT = 170;
const RTT_HEIGHT = 120;
const THERE = '--netobserv-bar';
const BACK = '--netobserv-series-2';

export const ElementPanel = (props: Props) => {
  const { graph, selection } = props;
  if (selection.kind === 'edge') {
    const edge = graph.edges.find(each => each.id === selection.id);
    return edge ? <EdgePanel key={edge.id} {...props} edge={edge} /> : null;
  }
  const node = graph.nodes.find(each => each.id === selection.id);
  return node ? <NodePanel key={node.id} {...props} node={node} /> : null;
};

/** Amounts add up; of latencies the worst is shown. */
const joined = (list: Series[], length: number, isTime: boolean): (number | null)[] =>
  Array.from({ length }, (_, index) => {
    const known = list.map(series => series.values[index] ?? null).filter((value): value is number => value !== null);
    if (!known.length) {
      return null;
    }
    return isTime ? known.reduce((a, b) => Math.max(a, b)) : known.reduce((a, b) => a + b, 0);
  });

const Chart = ({ name, times, series, format, height }: Omit<Parameters<typeof TimeChart>[0], 'isStacked'>) => {
  const t = useText();
  return (
    <>
      <h3 className="netobserv-panel-heading">{name}</h3>
      <TimeChart name={name} times={times} series={series} format={format} height={height} />
      {series.length > 1 && <Legend name={t('Names in the chart')} items={series} />}
    </>
  );
};

const Problems = ({ edges }: { edges: GraphEdge[] }) => {
  const t = useText();
  const problems = [...new Set(edges.flatMap(edge => edge.problems))];
  return problems.length ? (
    <p className="netobserv-danger">
      <ExclamationTriangleIcon aria-hidden /> {problems.map(problem => t(problem)).join(' · ')}
    </p>
  ) : null;
};

const UnknownSince = ({ time }: { time: string | undefined }) => {
  const t = useText();
  return time === undefined ? null : (
    <p className="netobserv-warning" title={t(LATEST_HINT)}>
      <ExclamationTriangleIcon aria-hidden /> {t('No data since {{time}}', { time })}
    </p>
  );
};

const NodePanel = ({ node, ...props }: Props & { node: GraphNode }) => {
  const { graph, set, format, formatPoint, isTime, unknownSince, onSelect, onToggleGroup, onClose } = props;
  const t = useText();
  const actions = useActions();
  const edges = graph.edges.filter(edge => edge.source === node.id || edge.target === node.id);
  const peer = node.kind === 'peer' ? node.peer : undefined;

  const out = edges.flatMap(edge => (edge.source === node.id ? edge.there : edge.back));
  const back = edges.flatMap(edge => (edge.source === node.id ? edge.back : edge.there));
  const series: ChartSeries[] = [
    { id: 'sent', name: t('Sent'), color: THERE, values: joined(out, set.times.length, isTime) },
    { id: 'received', name: t('Received'), color: BACK, values: joined(back, set.times.length, isTime) }
  ];
  const peers = edges
    .map(edge => ({
      edge,
      other: graph.nodes.find(each => each.id === (edge.source === node.id ? edge.target : edge.source))
    }))
    .sort((a, b) => b.edge.value - a.edge.value);
  return (
    <SidePanel
      title={node.label}
      subtitle={
        peer
          ? [peer.detail, peer.kind].filter(Boolean).join(' · ')
          : t('{{count}} nodes', { count: node.count, shown: formatCount(node.count) })
      }
      onClose={onClose}
    >
      <Problems edges={edges} />
      <UnknownSince time={unknownSince} />
      <p className="netobserv-panel-fact">
        {t('Sent {{sent}}, received {{received}}', { sent: format(node.sent), received: format(node.received) })}
      </p>
      <ActionButtons
        actions={[
          ...(peer ? [...actions.ofPeer(peer), actions.copy(node.label)] : []),
          ...(node.kind === 'group'
            ? [{ id: 'open', text: t('Open this group'), act: () => onToggleGroup(node.cluster, true) }]
            : [])
        ]}
      />
      {node.kind === 'others' && (
        <p>{t('The least busy nodes together. Filters, or a wider scope, show them one by one.')}</p>
      )}
      <Chart name={t('Over time')} times={set.times} series={series} format={formatPoint} height={CHART_HEIGHT} />
      <h3 className="netobserv-panel-heading">{t('Talks to')}</h3>
      {!peers.length && <p className="netobserv-subtle">{t('Nobody else in this range.')}</p>}
      <BarList
        name={t('Talks to')}
        bars={peers.slice(0, PEERS_SHOWN).map(({ edge, other }) => ({
          id: edge.id,
          name: `${edge.problems.length ? '⚠ ' : ''}${other?.label ?? ''}`,
          detail: edge.problems.map(problem => t(problem)).join(', '),
          value: edge.value,
          text: format(edge.value),
          color: edge.problems.length ? '--netobserv-bad' : THERE,
          title: t('Show this connection'),
          onPick: () => onSelect({ kind: 'edge', id: edge.id })
        }))}
      />
    </SidePanel>
  );
};

const EdgePanel = ({ edge, ...props }: Props & { edge: GraphEdge }) => {
  const { graph, set, rtt, format, formatPoint, isTime, unknownSince, onSelect, onClose } = props;
  const t = useText();
  const actions = useActions();
  const [source, target] = [edge.source, edge.target].map(id => graph.nodes.find(node => node.id === id));
  const way = (from: GraphNode | undefined, to: GraphNode | undefined) => `${from?.label ?? ''} → ${to?.label ?? ''}`;
  const series: ChartSeries[] = [
    { id: 'there', name: way(source, target), color: THERE, values: joined(edge.there, set.times.length, isTime) },
    { id: 'back', name: way(target, source), color: BACK, values: joined(edge.back, set.times.length, isTime) }
  ];
  const facts: [string, string][] = [
    [way(source, target), format(edge.forward)],
    [way(target, source), format(edge.backward)],
    ...(edge.rttMs === undefined ? [] : [[t('Round trip, p90'), formatMs(edge.rttMs)] as [string, string]]),
    ...(edge.dnsMs === undefined ? [] : [[t('DNS latency, p90'), formatMs(edge.dnsMs)] as [string, string]]),
    ...(edge.dnsErrors > 0
      ? [[t('DNS errors'), `${formatCount(edge.dnsErrors)} / ${formatCount(edge.dnsFlows)}`] as [string, string]]
      : []),
    ...(edge.dropsPerSecond > 0
      ? [[t('Dropped packets per second'), formatSi(edge.dropsPerSecond)] as [string, string]]
      : [])
  ];
  return (
    <SidePanel title={`${source?.label ?? ''} ↔ ${target?.label ?? ''}`} subtitle={t('Connection')} onClose={onClose}>
      <Problems edges={[edge]} />
      <UnknownSince time={unknownSince} />
      <dl>
        {facts.map(([name, value]) => (
          <div key={name} className="netobserv-field">
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <ActionButtons
        actions={[
          ...(source?.peer && target?.peer ? actions.ofPair(source.peer, target.peer) : []),
          ...[source, target].flatMap(node =>
            node ? [{ id: node.id, text: node.label, act: () => onSelect({ kind: 'node', id: node.id }) }] : []
          )
        ]}
      />
      <Chart name={t('Over time')} times={set.times} series={series} format={formatPoint} height={CHART_HEIGHT} />
      {rtt && edge.rtt.length > 0 && (
        <Chart
          name={t('Round trip, p90')}
          times={set.times}
          series={[
            {
              id: 'rtt',
              name: t('Round trip, p90'),
              color: THERE,
              values: alignTo(set.times, rtt, joined(edge.rtt, rtt.times.length, true))
            }
          ]}
          format={formatMs}
          height={RTT_HEIGHT}
        />
      )}
    </SidePanel>
  );
};
