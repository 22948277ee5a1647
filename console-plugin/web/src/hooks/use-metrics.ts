//! Metric series of the page's filters and time range. Who: overview, topology.
//! **Invariant:** amounts of the two directions are added and their overlap taken away; latencies, which cannot be
//! added, are asked for in one request. Points too young to be complete are not shown.
import { getMetrics, type MetricQuery } from '../api/flows';
import type { FrontendConfig, MatrixAnswer } from '../api/types';
import { isTimeMetric } from '../model/format';
import { encodeFilters, type Filter } from '../model/filters';
import { combineAnswers, scopeById, seriesFromAnswer, spread, type SeriesSet } from '../model/series';
import { rangeParams, SETTLE_SECONDS, spanOf, stepOf, type Span, type TimeRange } from '../model/time';
import { usePage, type PageModel } from './use-page';
import { useQuery, type QueryState } from './use-query';
import { useText } from './use-text';

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

export const settled = (answer: MatrixAnswer): MatrixAnswer => {
  const limit = answer.unixTimestamp - SETTLE_SECONDS;
  return {
    ...answer,
    result: answer.result.map(each => ({ ...each, values: each.values.filter(([time]) => time <= limit) }))
  };
};

/** When an answer has its points, in seconds. */
export interface Grid {
  step: number;
  rateInterval: number;
}

/** Asks in both directions where the filters say so. */
export const askMetric = async (
  { state, query, encoded, fields }: PageModel,
  { type, fn, by, groups, limit, extra }: MetricSpec,
  range: TimeRange,
  grid: Grid,
  signal: AbortSignal
): Promise<MatrixAnswer> => {
  const filters = extra?.length ? encodeFilters([...state.filters, ...extra], state.match, fields) : encoded;
  const ask = (text: string) => {
    const request: MetricQuery = {
      ...query,
      ...grid,
      filters: text,
      range: rangeParams(range),
      limit,
      type,
      aggregateBy: by,
      function: fn,
      groups
    };
    return getMetrics(request, signal);
  };
  const { plus, minus } = isTimeMetric(type) ? { plus: [filters.records], minus: undefined } : filters.metrics;
  const [added, taken] = await Promise.all([Promise.all(plus.map(ask)), minus === undefined ? undefined : ask(minus)]);
  return combineAnswers(added, taken);
};

export const useMetric = (spec: MetricSpec | undefined): QueryState<MetricData> => {
  const t = useText();
  const page = usePage();
  const { config, state, query, encoded, tick } = page;
  const grid = stepOf(state.range);
  const key = spec && JSON.stringify([query, encoded.metrics, spec]);
  return useQuery(key, tick, async signal => {
    const { type, by, groups } = spec!;
    const { range } = state;
    const { step } = grid;
    const answer = await askMetric(page, spec!, range, grid, signal);
    const isRelative = range.kind === 'relative';
    const whole = isRelative ? settled(answer) : answer;
    const span = spanOf(range, answer.unixTimestamp || Math.floor(Date.now() / 1000));
    const labels = labelsOf(config, by, groups);
    // Most addresses of the world are in no named subnet: that is no defect of the data.
    const unnamed = labels[0]?.endsWith('SubnetLabel') ? t('Elsewhere') : t('Unknown');
    const set = seriesFromAnswer(whole, type, step, labels, unnamed);
    const end = isRelative ? span.end - SETTLE_SECONDS : span.end;
    return { ...spread(set, type, step, span.start, end), spec: spec!, span, step };
  });
};
