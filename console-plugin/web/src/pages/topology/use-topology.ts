//! The metrics behind the topology, and the graph made of them. Who: `TopologyPage`.
//! **Invariant:** problems are looked for whatever metric is shown, and a failing extra question only leaves them out.
import { useMemo, useState } from 'react';
import { useMetric, type MetricData } from '../../hooks/use-metrics';
import { useFacts } from '../../hooks/use-facts';
import { usePage } from '../../hooks/use-page';
import type { QueryState } from '../../hooks/use-query';
import { useTop } from '../../hooks/use-top';
import { useText } from '../../hooks/use-text';
import { formatMetric, formatWithin, isTimeMetric } from '../../model/format';
import { lastKnown } from '../../model/gaps';
import { scopeById } from '../../model/series';
import { buildGraph, groupLabels, groupTypes, resolveGroup, valueBy, type Graph } from './graph';
import { withoutSmall, type Small } from './small';

export const NODES_MAX = 300;
export const EDGE_LIMITS = [50, 100, 500, 1000];
const TIME_FUNCTIONS = ['avg', 'min', 'max', 'p90', 'p99'];
const AMOUNT_FUNCTIONS = ['avg', 'last', 'min', 'max', 'sum'];
const DNS_ERROR_CODES = ['ServFail', 'Refused', 'NXDomain', 'FormErr', 'NotImp', 'YXDomain', 'NotAuth'];

/** A graph and how to read it. */
export interface Picture {
  graph: Graph;
  /** The graph with what is too small to be drawn unless it is asked for. */
  whole: Graph;
  /** What is too small, if anything is. */
  small?: Small;
  set: MetricData;
  isTime: boolean;
  /** Of latest values: until when they are, if nothing is known of the time since. */
  unknownSince?: string;
  format: (value: number) => string;
  /** Of a point over time: a total is made of rates. */
  formatPoint: (value: number) => string;
}

export interface Topology {
  traffic: QueryState<MetricData>;
  rtt?: MetricData;
  /** Nothing while the first answer to the present question is on its way. */
  picture?: Picture;
  functions: string[];
  fn: string;
  limit: number;
  types: string[];
  group?: string;
  /** Names what must be laid out anew. */
  shape: string;
  toggleGroup: (id: string, isOpen: boolean) => void;
  toggleAll: (isOpen: boolean) => void;
}

const unknownSince = ({ times, step }: MetricData, latest: number | undefined): string | undefined => {
  const [first, last] = [times[0], times.at(-1)];
  const since = latest === undefined ? first && first - step : times[latest];
  return since === undefined || since === last ? undefined : formatWithin(since * 1000, last! - first!);
};

export const useTopology = (): Topology => {
  const t = useText();
  const { config, fields, state, limit: wantedLimit, hasFeature } = usePage();
  const scope = scopeById(config.scopes, state.scope);
  const types = useMemo(() => groupTypes(config.scopes, scope), [config, scope]);
  const group = resolveGroup(types, state.group);
  const type = state.metricType;
  const isTime = isTimeMetric(type);
  const { isShowingSmall } = state;
  const { isNowUnknown } = useFacts();
  const functions = isTime ? TIME_FUNCTIONS : AMOUNT_FUNCTIONS;
  const fn = functions.includes(state.metricFunction) ? state.metricFunction : 'avg';
  const asked = isTime ? fn : 'rate';
  const limit = EDGE_LIMITS.includes(wantedLimit) ? wantedLimit : EDGE_LIMITS.at(-1)!;
  const pairs = { by: state.scope, groups: group, limit };
  const isSubnet = scope?.labels[0]?.endsWith('SubnetLabel') ?? false;
  const codeFilter = fields.filterOf('DnsFlagsResponseCode');
  const hasDns = hasFeature('dnsTracking');

  const top = useTop({ ...pairs, type, fn: asked });
  const traffic: QueryState<MetricData> = { ...top, data: top.data?.set };
  const seconds = top.data?.whole.seconds ?? 0;
  const drops = useMetric(hasFeature('pktDrop') ? { ...pairs, type: 'PktDropPackets', fn: 'rate' } : undefined);
  const rtt = useTop(hasFeature('flowRTT') ? { ...pairs, type: 'TimeFlowRttNs', fn: 'p90' } : undefined);
  const dnsLatency = useTop(hasDns ? { ...pairs, type: 'DnsLatencyMs', fn: 'p90' } : undefined);
  const dnsFlows = useMetric(hasDns ? { ...pairs, type: 'DnsFlows', fn: 'count' } : undefined);
  const dnsErrors = useMetric(
    hasDns && codeFilter
      ? {
          ...pairs,
          type: 'DnsFlows',
          fn: 'count',
          extra: [{ id: codeFilter, compare: '=', values: DNS_ERROR_CODES.map(code => `"${code}"`) }]
        }
      : undefined
  );

  const shape = [state.scope, group ?? 'none'].join('|');
  const [chosen, setChosen] = useState<{ shape: string; groups: ReadonlyMap<string, boolean> }>({
    shape,
    groups: new Map()
  });
  const groups = chosen.shape === shape ? chosen.groups : undefined;
  // An answer to an older question would be drawn with the wrong names and units.
  const { spec } = traffic.data ?? {};
  const isAnswer = spec?.by === state.scope && spec.groups === group && spec.type === type && spec.fn === asked;
  const set = isAnswer ? traffic.data : undefined;
  const quality = useMemo(
    () => ({
      drops: drops.data,
      rtt: rtt.data?.set,
      dnsErrors: dnsErrors.data,
      dnsFlows: dnsFlows.data,
      dnsLatency: dnsLatency.data?.set
    }),
    [drops.data, rtt.data, dnsErrors.data, dnsFlows.data, dnsLatency.data]
  );
  const picture = useMemo(() => {
    if (!set) {
      return undefined;
    }
    const latest = lastKnown(set, isNowUnknown);
    const whole = buildGraph(set, quality, {
      nodesMax: NODES_MAX,
      groupLabels: groupLabels(config.scopes, group),
      chosen: groups ?? new Map<string, boolean>(),
      valueOf: valueBy(fn, { isTime, seconds, latest }),
      isTime,
      names: { unknown: isSubnet ? t('Elsewhere') : t('Unknown'), others: t('Others'), noGroup: t('Elsewhere') }
    });
    // A fast answer is no small one.
    const { graph, small } = isTime ? { graph: whole } : withoutSmall(whole);
    return {
      graph: isShowingSmall ? whole : graph,
      whole,
      small,
      set,
      isTime,
      unknownSince: fn === 'last' ? unknownSince(set, latest) : undefined,
      format: (value: number) => formatMetric(value, type, fn === 'sum' ? fn : asked),
      formatPoint: (value: number) => formatMetric(value, type, asked)
    };
  }, [
    set,
    quality,
    config,
    group,
    groups,
    isTime,
    isSubnet,
    isShowingSmall,
    isNowUnknown,
    fn,
    seconds,
    type,
    asked,
    t
  ]);

  const toggleGroup = (id: string, isOpen: boolean) =>
    setChosen({ shape, groups: new Map([...(groups ?? []), [id, isOpen]]) });
  const toggleAll = (isOpen: boolean) =>
    setChosen({ shape, groups: new Map(picture?.graph.groups.map(each => [each.id, isOpen])) });
  return {
    traffic,
    rtt: rtt.data?.set,
    picture,
    functions,
    fn,
    limit,
    types,
    group,
    shape,
    toggleGroup,
    toggleAll
  };
};
