//! Metric answers as series on one time grid, with their names and statistics.
//! Who: overview, topology, the strip.
//! **Invariant:** pure; a point without data is 0 for amounts and a gap for latencies.
import type { MatrixAnswer, ScopeConfig } from '../api/types';
import { isTimeMetric } from './format';

export interface Peer {
  /** Names the same thing in every answer. */
  id: string;
  name: string;
  /** What the name stands in: a namespace or a subnet. */
  detail?: string;
  kind?: string;
  /** Label -> value, without the Src or Dst in front of it. */
  labels: Record<string, string>;
}

export interface Series {
  id: string;
  name: string;
  source?: Peer;
  target?: Peer;
  metric: Record<string, string>;
  /** Parallel to the grid of its `SeriesSet`. */
  values: (number | null)[];
  stats: Stats;
  /** The statistic over the whole range, where it was asked for: it cannot be had from the points. */
  whole?: number;
}

export interface SeriesSet {
  /** Seconds. */
  times: number[];
  series: Series[];
  isLimitReached: boolean;
}

export interface Stats {
  avg: number;
  min: number;
  max: number;
}

const round = (value: number): number => Math.round(value * 100) / 100;

export const statsOf = (values: (number | null)[]): Stats => {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  if (!known.length) {
    return { avg: 0, min: 0, max: 0 };
  }
  const avg = known.reduce((sum, value) => sum + value, 0) / known.length;
  return {
    avg: round(avg),
    min: round(known.reduce((a, b) => Math.min(a, b))),
    max: round(known.reduce((a, b) => Math.max(a, b)))
  };
};

/** The statistic that stands for a function. */
export const statOf = (stats: Stats, fn: string): number => {
  switch (fn) {
    case 'min':
      return stats.min;
    case 'max':
      return stats.max;
    default:
      return stats.avg;
  }
};

/** Names the same series in every answer. */
export const seriesId = (metric: Record<string, string>): string =>
  Object.entries(metric)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join(',');

const NAME_LABELS = ['K8S_Name', 'K8S_OwnerName', 'K8S_Namespace', 'K8S_HostName', 'K8S_Zone', 'K8S_NetworkName'];

/** What a label of a side, or of both ends such as the cluster, says of the peer at that side; nothing of another. */
export const labelOfSide = (label: string, side: 'Src' | 'Dst'): string | undefined =>
  label.startsWith(side) ? label.slice(side.length) : label.startsWith('K8S_') ? label : undefined;

const peerOf = (metric: Record<string, string>, labels: string[], side: 'Src' | 'Dst'): Peer | undefined => {
  const own = labels.flatMap(label => labelOfSide(label, side) ?? []);
  if (!own.length) {
    return undefined;
  }
  const values = Object.fromEntries(own.map(label => [label, metric[side + label] ?? metric[label] ?? '']));
  const candidates = own.length > 1 ? [...NAME_LABELS, 'Addr', 'SubnetLabel'] : own;
  const named = candidates.find(label => values[label]);
  const detail = [values.K8S_Namespace, values.SubnetLabel].find(value => value && value !== values[named ?? '']);
  return {
    id: own.map(label => values[label]).join('|'),
    name: named ? values[named]! : '',
    detail: named === 'K8S_HostName' ? undefined : detail,
    kind: named === 'K8S_Name' ? values.K8S_Type : named === 'K8S_OwnerName' ? values.K8S_OwnerType : undefined,
    labels: values
  };
};

const nameOf = (peer: Peer, unknown: string): string => peer.name || unknown;

/** What a series is of. `labels` are those of the aggregation; without a pair of sides the single value names it. */
export const named = (
  metric: Record<string, string>,
  labels: string[],
  unknown: string
): Omit<Series, 'values' | 'stats'> => {
  const [source, target] = [peerOf(metric, labels, 'Src'), peerOf(metric, labels, 'Dst')];
  const single = Object.entries(metric).find(([key]) => key !== 'app')?.[1];
  const name =
    source && target
      ? source.id === target.id
        ? // Of a flow's only cluster there is no other that it could leave.
          labels.some(label => label.startsWith('Src'))
          ? `${nameOf(source, unknown)} (internal)`
          : nameOf(source, unknown)
        : `${nameOf(source, unknown)} → ${nameOf(target, unknown)}`
      : nameOf(source ?? target ?? { id: '', name: single ?? '', labels: {} }, unknown);
  return { id: seriesId(metric), name, source, target, metric };
};

/** What a point without data is: no amount, but a latency that is not known. */
export const gapOf = (type: string): number | null => (isTimeMetric(type) ? null : 0);

/** Puts an answer on one grid. `labels` are those of the aggregation. */
export const seriesFromAnswer = (
  answer: MatrixAnswer,
  type: string,
  step: number,
  labels: string[],
  unknown: string
): SeriesSet => {
  const times = gridOf(answer, step);
  const index = new Map(times.map((time, position) => [time, position]));
  const gap = gapOf(type);
  const series = answer.result.map(({ metric, values }) => {
    const points: (number | null)[] = new Array<number | null>(times.length).fill(gap);
    for (const [time, text] of values) {
      const value = Number(text);
      const position = index.get(snap(time, times[0]!, step));
      if (position !== undefined && Number.isFinite(value)) {
        points[position] = value;
      }
    }
    return { ...named(metric, labels, unknown), values: points, stats: statsOf(points) };
  });
  return { times, series, isLimitReached: answer.stats.limitReached };
};

const snap = (time: number, origin: number, step: number): number => origin + Math.round((time - origin) / step) * step;

const gridOf = (answer: MatrixAnswer, step: number): number[] => {
  let [first, last] = [Infinity, -Infinity];
  for (const { values } of answer.result) {
    for (const [time] of values) {
      first = Math.min(first, time);
      last = Math.max(last, time);
    }
  }
  return Number.isFinite(first)
    ? Array.from({ length: Math.round((last - first) / step) + 1 }, (_, index) => first + index * step)
    : [];
};

/** Extends a set over the whole range asked for, so that charts share one axis. */
export const spread = (set: SeriesSet, type: string, step: number, start: number, end: number): SeriesSet => {
  const first = set.times[0];
  if (first === undefined) {
    return set;
  }
  const before = Math.max(0, Math.floor((first - start) / step));
  const after = Math.max(0, Math.floor((end - set.times.at(-1)!) / step));
  const gap = gapOf(type);
  const fill = (count: number) => new Array<number | null>(count).fill(gap);
  const times = Array.from({ length: before + set.times.length + after }, (_, i) => first + (i - before) * step);
  return {
    ...set,
    times,
    series: set.series.map(series => {
      const values = [...fill(before), ...series.values, ...fill(after)];
      return { ...series, values, stats: statsOf(values) };
    })
  };
};

/**
 * Without the first point, which stands for a time from before the data began and would look like a rise; as it is, where
 * nothing came after it.
 */
export const withoutFirst = (set: SeriesSet): SeriesSet => {
  const series = set.series.flatMap(each => {
    const values = each.values.slice(1);
    return values.some(Boolean) ? [{ ...each, values, stats: statsOf(values) }] : [];
  });
  return series.length ? { ...set, times: set.times.slice(1), series } : set;
};

/** As it is written in a sentence. */
export const scopeName = (scopes: ScopeConfig[], id: string): string =>
  (scopeById(scopes, id)?.name ?? id).toLowerCase();

export const scopeById = (scopes: ScopeConfig[], id: string): ScopeConfig | undefined =>
  scopes.find(scope => scope.id === id);
