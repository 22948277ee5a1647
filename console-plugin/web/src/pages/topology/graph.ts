//! The graph of who talks to whom, from metric series. Who: the topology view.
//! **Invariant:** pure; nothing is cut silently: what does not fit is one "others" node, and a closed group is one node.
import type { ScopeConfig } from '../../api/types';
import { statOf, type Peer, type Series, type SeriesSet } from '../../model/series';
import { qualityOf, type EdgeProblem, type Quality, type QualitySets } from './quality';

export interface GraphNode {
  id: string;
  label: string;
  detail?: string;
  kind: 'peer' | 'group' | 'others';
  /** The cluster it stands in; its own id outside of groups. */
  cluster: string;
  /** Whose colour it has: the group's or the subnet's, or none. */
  tint: string;
  /** How many peers stand behind it. */
  count: number;
  peer?: Peer;
  /** Sent and received together, or the worst latency, in the metric's unit. */
  value: number;
  sent: number;
  received: number;
}

export interface GraphEdge extends Quality {
  id: string;
  source: string;
  target: string;
  /** From source to target, and the other way. */
  forward: number;
  backward: number;
  value: number;
  /** Of the chosen metric, by direction. */
  there: Series[];
  back: Series[];
  problems: EdgeProblem[];
}

export interface GraphGroup {
  /** Also the cluster of its nodes. */
  id: string;
  name: string;
  size: number;
  isClosed: boolean;
}

export interface Graph {
  nodes: GraphNode[];
  edges: GraphEdge[];
  groups: GraphGroup[];
  /** Peers that stand behind the "others" node. */
  hidden: number;
}

export interface GraphOptions {
  nodesMax: number;
  /** Labels, without side, whose values make the groups; none for no groups. */
  groupLabels: string[];
  /** What the user opened (true) or closed (false); other groups follow the size of the graph. */
  chosen: ReadonlyMap<string, boolean>;
  /** What stands for a series. */
  valueOf: (series: Series) => number;
  /** Latencies do not add up: an edge shows its worst. */
  isTime: boolean;
  names: { unknown: string; others: string; noGroup: string };
}

/** What the statistics of a series are of. */
export interface StatisticsOf {
  isTime: boolean;
  /** How long the range is. */
  seconds: number;
  /** The step that is the latest one, if any is known. */
  latest?: number;
}

/**
 * Latencies and averages are of the whole range, as the back end took them, and of the points where it gave none; a total
 * is the average of all its seconds.
 */
export const valueBy =
  (fn: string, { isTime, seconds, latest }: StatisticsOf) =>
  ({ whole, stats, values }: Series): number => {
    switch (isTime ? 'whole' : fn) {
      case 'last':
        return latest === undefined ? 0 : (values[latest] ?? 0);
      case 'min':
      case 'max':
        return statOf(stats, fn);
      case 'sum':
        return (whole ?? stats.avg) * seconds;
      default:
        return whole ?? statOf(stats, fn);
    }
  };

/** With more nodes than this, the largest groups start closed. */
export const OPEN_NODES_MAX = 110;
const OTHERS = '\u0000others';
const GROUP = '\u0000group ';

/** Group types offered for a scope: those whose every part is a scope that exists. */
export const groupTypes = (scopes: ScopeConfig[], scope: ScopeConfig | undefined): string[] =>
  (scope?.groups ?? []).filter(type => type.split('+').every(part => scopes.some(each => `${each.id}s` === part)));

export const resolveGroup = (types: string[], wanted: string): string | undefined => {
  if (wanted === 'auto') {
    // Subnets are to the addresses of a host what namespaces are to pods; any other group would part what belongs together.
    return ['namespaces+owners', 'namespaces', 'subnets'].find(type => types.includes(type));
  }
  return types.includes(wanted) ? wanted : undefined;
};

/** The labels, without side, that name the groups of a type: one for each of its scopes. */
export const groupLabels = (scopes: ScopeConfig[], type: string | undefined): string[] =>
  (type ?? '').split('+').flatMap(part => {
    const label = scopes.find(scope => `${scope.id}s` === part)?.labels[0];
    return label ? [label.replace(/^Src|^Dst/, '')] : [];
  });

interface Member {
  peer: Peer;
  group: string;
  value: number;
}

const membersOf = (set: SeriesSet, options: GraphOptions): Member[] => {
  const members = new Map<string, Member>();
  for (const series of set.series) {
    const value = options.valueOf(series);
    for (const peer of [series.source, series.target]) {
      if (peer) {
        const group = options.groupLabels.map(label => peer.labels[label] ?? '').join(' / ');
        const known = members.get(peer.id) ?? { peer, group, value: 0 };
        known.value += value;
        members.set(peer.id, known);
      }
    }
  }
  return [...members.values()].sort((a, b) => b.value - a.value || (a.peer.id < b.peer.id ? -1 : 1));
};

/** Closes the largest groups until few enough nodes are left, unless the user said otherwise. */
const closedGroups = (sizes: Map<string, number>, total: number, chosen: ReadonlyMap<string, boolean>): Set<string> => {
  const closed = new Set<string>();
  let open = total;
  for (const [group, size] of [...sizes].sort((a, b) => b[1] - a[1])) {
    if (size > 1 && (chosen.get(group) ?? open <= OPEN_NODES_MAX) === false) {
      closed.add(group);
      open -= size - 1;
    }
  }
  return closed;
};

export const buildGraph = (set: SeriesSet, quality: QualitySets, options: GraphOptions): Graph => {
  const ranked = membersOf(set, options);
  // One node left over is not worth a node that stands for it.
  const kept = ranked.slice(0, ranked.length === options.nodesMax + 1 ? ranked.length : options.nodesMax);
  const isGrouped = options.groupLabels.length > 0;
  const sizes = new Map<string, number>();
  if (isGrouped) {
    kept.forEach(({ group }) => sizes.set(group, (sizes.get(group) ?? 0) + 1));
  }
  const closed = closedGroups(sizes, kept.length, options.chosen);
  const nodes = new Map<string, GraphNode>();
  const nodeOfPeer = new Map<string, GraphNode>();
  ranked.forEach((member, index) => {
    const made = makeNode(member, index < kept.length, isGrouped, closed, options.names);
    const node = nodes.get(made.id) ?? made;
    node.count += 1;
    nodes.set(node.id, node);
    nodeOfPeer.set(member.peer.id, node);
  });
  return {
    nodes: [...nodes.values()],
    edges: buildEdges(set, quality, options, nodeOfPeer),
    groups: [...sizes].map(([id, size]) => ({
      id,
      name: id || options.names.noGroup,
      size,
      isClosed: closed.has(id)
    })),
    hidden: ranked.length - kept.length
  };
};

const makeNode = (
  { peer, group }: Member,
  isKept: boolean,
  isGrouped: boolean,
  closed: Set<string>,
  names: GraphOptions['names']
): GraphNode => {
  const base = { count: 0, value: 0, sent: 0, received: 0 };
  if (!isKept) {
    return { ...base, id: OTHERS, kind: 'others', label: names.others, cluster: OTHERS, tint: '' };
  }
  if (closed.has(group)) {
    return { ...base, id: GROUP + group, kind: 'group', label: group || names.noGroup, cluster: group, tint: group };
  }
  return {
    ...base,
    id: peer.id,
    kind: 'peer',
    label: peer.name || names.unknown,
    detail: isGrouped ? undefined : peer.detail,
    tint: isGrouped ? group : (peer.detail ?? (peer.labels.Addr ? '' : peer.name)),
    cluster: isGrouped ? group : '',
    peer
  };
};

const buildEdges = (
  set: SeriesSet,
  sets: QualitySets,
  { valueOf, isTime }: GraphOptions,
  nodeOfPeer: Map<string, GraphNode>
): GraphEdge[] => {
  const quality = qualityOf(sets);
  const join = (a: number, b: number) => (isTime ? Math.max(a, b) : a + b);
  const edges = new Map<string, GraphEdge>();
  for (const series of set.series) {
    const [from, to] = [nodeOfPeer.get(series.source?.id ?? ''), nodeOfPeer.get(series.target?.id ?? '')];
    if (!from || !to) {
      continue;
    }
    const value = valueOf(series);
    from.sent = join(from.sent, value);
    to.received = join(to.received, value);
    from.value = join(from.value, value);
    to.value = join(to.value, value);
    if (from === to) {
      continue;
    }
    const isForward = from.id < to.id;
    const [source, target] = isForward ? [from.id, to.id] : [to.id, from.id];
    const id = `${source}.${target}`.toLowerCase();
    const edge = edges.get(id) ?? {
      ...quality.none(),
      id,
      source,
      target,
      forward: 0,
      backward: 0,
      value: 0,
      there: [],
      back: [],
      problems: []
    };
    edge[isForward ? 'forward' : 'backward'] = join(edge[isForward ? 'forward' : 'backward'], value);
    edge.value = join(edge.value, value);
    edge[isForward ? 'there' : 'back'].push(series);
    quality.add(edge, series);
    edges.set(id, edge);
  }
  return [...edges.values()].map(edge => ({ ...edge, problems: quality.problems(edge) }));
};
