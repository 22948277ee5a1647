//! Metric series of the page's filters and time range. Who: overview, topology.
//! **Invariant:** one question is one request, whatever the filters: the back end counts no flow twice. No time counts in
//! two points, nor any before the data begins: the average of all points is that of the range. The last point ends where
//! flows may still be on their way.
import { useMemo } from 'react';
import { getMetrics } from '../api/flows';
import type { FrontendConfig, MatrixAnswer } from '../api/types';
import { both, carried } from '../model/conditions';
import { encodeFilters, type Filter } from '../model/filters';
import { withGaps } from '../model/gaps';
import { scopeById, seriesFromAnswer, spread, withoutFirst, type SeriesSet } from '../model/series';
import { pointsOf, rangeParams, settledSpan, stepOf, type TimeRange } from '../model/time';
import { useFacts } from './use-facts';
import { usePage, type PageModel } from './use-page';
import type { QueryState } from './use-query';
import { useRangeQuery } from './use-range-query';
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
}

export interface MetricData extends SeriesSet {
  /** What this answers; while the next answer is fetched it may not be what was asked last. */
  spec: MetricSpec;
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

export const askMetric = async (
  { query, fields }: PageModel,
  { type, fn, by, groups, limit, extra }: MetricSpec,
  range: TimeRange,
  /** Seconds between two points, each of them over all of that time before it and no more. */
  step: number,
  signal: AbortSignal
): Promise<MatrixAnswer> =>
  getMetrics(
    {
      ...query,
      step,
      rateInterval: step,
      // Whatever the match of the page's own filters, these must hold too.
      filters: carried(both(query.filters, encodeFilters(extra ?? [], 'all', fields))),
      range: rangeParams(range),
      limit,
      type,
      aggregateBy: by,
      function: fn,
      groups
    },
    signal
  );

/** Names what is asked, so that the same question is not asked twice at a time. */
export const keyOf = ({ query }: PageModel, spec: MetricSpec): string => JSON.stringify([query, spec]);

/** What stands for a peer without a name: most addresses of the world are in no named subnet, which is no defect. */
export const unknownName = (labels: string[], t: Translate): string =>
  labels[0]?.endsWith('SubnetLabel') ? t('Elsewhere') : t('Unknown');

export const loadMetric = async (
  page: PageModel,
  range: TimeRange,
  spec: MetricSpec,
  t: Translate,
  signal: AbortSignal
): Promise<MetricData> => {
  const step = stepOf(range);
  const settled = settledSpan(range, page.now());
  const { start, end } = pointsOf(range, step, settled.end);
  const first = start + step;
  const answer = await askMetric(page, spec, { kind: 'absolute', start: first, end }, step, signal);
  const labels = labelsOf(page.config, spec.by, spec.groups);
  const known = seriesFromAnswer(answer, spec.type, step, labels, unknownName(labels, t));
  const set = spread(known, spec.type, step, first, end);
  // A range that was clipped is another than the page's.
  const isEarly = range !== page.state.range && start < settled.start;
  return { ...(isEarly ? withoutFirst(set) : set), spec, step };
};

export const useMetric = (spec: MetricSpec | undefined): QueryState<MetricData> => {
  const t = useText();
  const page = usePage();
  const { losses } = useFacts();
  const query = useRangeQuery(spec && keyOf(page, spec), (range, signal) => loadMetric(page, range, spec!, t, signal));
  const data = useMemo(() => query.data && withGaps(query.data, losses), [query.data, losses]);
  return { ...query, data };
};
