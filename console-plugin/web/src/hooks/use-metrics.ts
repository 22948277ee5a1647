//! Metric series of the page's filters and time range. Who: overview, topology.
//! **Invariant:** amounts of the two directions are added and their overlap taken away; latencies, which cannot be
//! added, are asked for in one request. The last point ends where flows may still be on their way.
import { getMetrics, type MetricQuery } from '../api/flows';
import type { FrontendConfig, MatrixAnswer } from '../api/types';
import { isTimeMetric } from '../model/format';
import { both, encodeFilters, type Filter } from '../model/filters';
import { combineAnswers, scopeById, seriesFromAnswer, spread, type SeriesSet } from '../model/series';
import { pointsOf, rangeParams, settledSpan, spanOf, stepOf, type Span, type TimeRange } from '../model/time';
import { usePage, type PageModel } from './use-page';
import { useQuery, type QueryState } from './use-query';
import { useText, type Translate } from './use-text';

export interface MetricSpec {
  type: string;
  fn: string;
  /** A scope, `app` for one total, or a field. */
  by: string;
  groups?: string;
  limit?: number;
  /** Asked in addition to the filters of the page. */
  extra?: Filter[];
  /** No time counts in two points, nor any before the range, so that the average of all points is that of the range. */
  isWhole?: boolean;
}

export interface MetricData extends SeriesSet {
  /** What this answers; while the next answer is fetched it may not be what was asked last. */
  spec: MetricSpec;
  span: Span;
  step: number;
}

const BUILT_IN_LABELS: Record<string, string[]> = {
  app: ['app'],
  dnsRCode: ['DnsFlagsResponseCode'],
  droppedState: ['PktDropLatestState'],
  droppedCause: ['PktDropLatestDropCause']
};

export const labelsOf = (config: FrontendConfig, by: string, groups = ''): string[] => {
  const of = (key: string) => BUILT_IN_LABELS[key] ?? scopeById(config.scopes, key)?.labels;
  const parts = groups.split('+').filter(part => part !== '');
  return [...new Set([...(of(by) ?? [by]), ...parts.flatMap(part => of(part.replace(/s$/, '')) ?? [])])];
};

/** When an answer has its points, in seconds. */
export interface Grid {
  step: number;
  rateInterval: number;
}

/** Asks in both directions where the filters say so. */
export const askMetric = async (
  { query, encoded, fields }: PageModel,
  { type, fn, by, groups, limit, extra }: MetricSpec,
  range: TimeRange,
  grid: Grid,
  signal: AbortSignal
): Promise<MatrixAnswer> => {
  // Whatever the match of the page's own filters, these must hold too.
  const added = encodeFilters(extra ?? [], 'all', fields).records;
  const ask = (text: string) => {
    const request: MetricQuery = {
      ...query,
      ...grid,
      filters: both(text, added),
      range: rangeParams(range),
      limit,
      type,
      aggregateBy: by,
      function: fn,
      groups
    };
    return getMetrics(request, signal);
  };
  const { plus, minus } = isTimeMetric(type) ? { plus: [encoded.records], minus: undefined } : encoded.metrics;
  const [sums, overlap] = await Promise.all([Promise.all(plus.map(ask)), minus === undefined ? undefined : ask(minus)]);
  return combineAnswers(sums, overlap);
};

/** Names what is asked, so that the same question is not asked twice at a time. */
export const keyOf = ({ query, encoded }: PageModel, spec: MetricSpec): string =>
  JSON.stringify([query, encoded.metrics, spec]);

/** What stands for a peer without a name: most addresses of the world are in no named subnet, which is no defect. */
export const unknownName = (labels: string[], t: Translate): string =>
  labels[0]?.endsWith('SubnetLabel') ? t('Elsewhere') : t('Unknown');

export const loadMetric = async (
  page: PageModel,
  spec: MetricSpec,
  t: Translate,
  signal: AbortSignal
): Promise<MetricData> => {
  const { range } = page.state;
  const { step, rateInterval } = stepOf(range);
  const now = Math.floor(Date.now() / 1000);
  const { start, end } = pointsOf(range, step, settledSpan(range, now).end);
  const first = spec.isWhole ? start + step : start;
  const grid = { step, rateInterval: spec.isWhole ? step : rateInterval };
  const answer = await askMetric(page, spec, { kind: 'absolute', start: first, end }, grid, signal);
  const span = spanOf(range, answer.unixTimestamp || now);
  const labels = labelsOf(page.config, spec.by, spec.groups);
  const set = seriesFromAnswer(answer, spec.type, step, labels, unknownName(labels, t));
  return { ...spread(set, spec.type, step, first, end), spec, span, step };
};

export const useMetric = (spec: MetricSpec | undefined): QueryState<MetricData> => {
  const t = useText();
  const page = usePage();
  return useQuery(spec && keyOf(page, spec), page.tick, signal => loadMetric(page, spec!, t, signal));
};
