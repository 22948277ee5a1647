//! Typed calls to the back end; who: hooks and pages.
//! **Invariant:** parameters and their spelling are those of the HTTP API; filters arrive here already encoded.
import { ANSWER_TIMEOUT_MS, getJson, queryString, QUICK_TIMEOUT_MS, type Params } from './client';
import type { FieldValues, FrontendConfig, Losses, MatrixAnswer, Status, StreamsAnswer } from './types';

export interface FlowQuery {
  filters: string;
  range: Params;
  limit?: number;
  recordType?: string;
  packetLoss?: string;
  dataSource?: string;
}

export interface MetricQuery extends FlowQuery {
  type: string;
  aggregateBy: string;
  function: string;
  groups?: string;
  step: number;
  rateInterval: number;
}

// The back end decodes the filter text twice, so that it is encoded here once and once more as a parameter.
const flowParams = (query: FlowQuery): Params => ({
  filters: encodeURIComponent(query.filters),
  ...query.range,
  limit: query.limit,
  recordType: query.recordType,
  packetLoss: query.packetLoss,
  dataSource: query.dataSource
});

export const getConfig = (signal?: AbortSignal) =>
  getJson<FrontendConfig>('/api/frontend-config', {}, signal, QUICK_TIMEOUT_MS);

export const getStatus = (signal?: AbortSignal) => getJson<Status>('/api/status', {}, signal, QUICK_TIMEOUT_MS);

export const getRecords = (query: FlowQuery, signal?: AbortSignal) =>
  getJson<StreamsAnswer>('/api/loki/flow/records', flowParams(query), signal);

export const getMetrics = (query: MetricQuery, signal?: AbortSignal, timeoutMs = ANSWER_TIMEOUT_MS) =>
  getJson<MatrixAnswer>(
    '/api/flow/metrics',
    {
      ...flowParams(query),
      type: query.type,
      aggregateBy: query.aggregateBy,
      function: query.function,
      groups: query.groups,
      step: `${query.step}s`,
      rateInterval: `${query.rateInterval}s`
    },
    signal,
    timeoutMs
  );

export const getFieldValues = (field: string, prefix: string, query: FlowQuery, signal?: AbortSignal) =>
  getJson<FieldValues>(
    `/api/fields/${encodeURIComponent(field)}/values`,
    { ...flowParams(query), prefix: prefix || undefined },
    signal
  );

export const getLosses = (range: Params, signal?: AbortSignal) =>
  getJson<Losses>('/api/losses', range, signal, QUICK_TIMEOUT_MS);

/** What the back end gives at once. */
export interface Limits {
  max_entries_limit_per_query?: number;
}

export const getLimits = (signal?: AbortSignal) =>
  getJson<Limits>('/api/loki/config/limits', {}, signal, QUICK_TIMEOUT_MS);

export const exportUrl = (query: FlowQuery, columns?: string[]): string =>
  `/api/loki/export?${queryString({ ...flowParams(query), format: 'csv', columns: columns?.join(',') })}`;
