//! The state of the page that a link carries, read from and written to the address bar.
//! Who: `hooks/use-page.tsx`.
//! **Invariant:** pure; NetObserv's keys keep their meaning, ours (`view`, `scope`, `group`, `off`, `small`) are
//! added.
import { filtersFromUrl, filtersToUrl, unusableFilters } from './filter-url';
import type { Filter, Match } from './filters';
import { rangeFromUrl, unusableRange, type TimeRange } from './time';

export type ViewId = 'overview' | 'table' | 'topology';
export const VIEWS: ViewId[] = ['overview', 'table', 'topology'];

export const LIMITS = [50, 100, 500, 1000, 5000, 10_000];
export const TOPS = [5, 10, 15];
export const DEFAULT_LIMIT = 500;
export const DEFAULT_TOP = 5;

export interface PageState {
  view: ViewId;
  filters: Filter[];
  match: Match;
  range: TimeRange;
  limit: number;
  scope: string;
  group: string;
  metricType: string;
  metricFunction: string;
  recordType: string;
  packetLoss: string;
  dataSource: string;
  isShowingDuplicates: boolean;
  /** Also connections of the topology that are too small to matter. */
  isShowingSmall: boolean;
}

export interface UrlDefaults {
  filters: Filter[];
  scopes: string[];
  view: ViewId;
  isKnownFilter: (id: string) => boolean;
}

const oneOf = <T extends string>(value: string | null, allowed: readonly T[], fallback: T): T =>
  allowed.includes(value as T) ? (value as T) : fallback;

const MATCHES: Match[] = ['all', 'any', 'bidirectional'];
const LOSSES = ['all', 'dropped', 'hasDrops', 'sent'] as const;
export const METRIC_TYPES = ['Bytes', 'Packets', 'PktDropBytes', 'PktDropPackets', 'DnsLatencyMs', 'TimeFlowRttNs'];
const FUNCTIONS = ['last', 'avg', 'min', 'max', 'sum', 'p90', 'p99'];

const RECORD_TYPES = ['flowLog', 'newConnection', 'heartbeat', 'endConnection', 'allConnections'] as const;
const SOURCES = ['auto', 'loki', 'prom'] as const;

/** What, beside filters and times, chooses which flows are shown, as it usually is. */
export const CHOICE_DEFAULTS = {
  recordType: 'flowLog',
  packetLoss: 'all',
  dataSource: 'auto',
  isShowingDuplicates: false
} satisfies Partial<PageState>;

export type Choice = keyof typeof CHOICE_DEFAULTS;

/** Keys of an address that choose which flows are shown, and what they may be. */
const CHOICE_VALUES: [key: string, allowed: readonly string[]][] = [
  ['match', MATCHES],
  ['recordType', RECORD_TYPES],
  ['packetLoss', LOSSES],
  ['dataSource', SOURCES],
  ['showDup', ['true', 'false']]
];

/** Keys that choose how the flows are shown. */
const viewValues = (scopes: string[]): [key: string, isKnown: (value: string) => boolean][] => [
  ['view', value => VIEWS.includes(value as ViewId)],
  ['scope', value => scopes.includes(value)],
  ['limit', value => limitOf(value) > 0 || value === '0'],
  ['type', value => METRIC_TYPES.includes(value)],
  ['function', value => FUNCTIONS.includes(value)]
];

/** The number of rows, nodes or names that an address asks for; 0 is the usual. */
const limitOf = (value: string | null): number => {
  const limit = Number.parseInt(value ?? '', 10);
  return limit > 0 && limit <= LIMITS.at(-1)! ? limit : 0;
};

/** What a stranger can read: namespaces of a cluster, addresses of a host. */
const defaultScope = (scopes: string[]): string =>
  ['namespace', 'address'].find(scope => scopes.includes(scope)) ?? scopes[0] ?? '';

export const stateFromUrl = (search: string, defaults: UrlDefaults): PageState => {
  const params = new URLSearchParams(search);
  const filters = params.get('filters');
  return {
    view: oneOf(params.get('view'), VIEWS, defaults.view),
    filters: [
      ...(filters === null ? defaults.filters : filtersFromUrl(filters, defaults.isKnownFilter)),
      ...filtersFromUrl(params.get('off') ?? '', defaults.isKnownFilter).map(filter => ({ ...filter, off: true }))
    ],
    match: oneOf(params.get('match'), MATCHES, 'all'),
    range: rangeFromUrl(params),
    limit: limitOf(params.get('limit')),
    scope: oneOf(params.get('scope'), defaults.scopes, defaultScope(defaults.scopes)),
    group: params.get('group') ?? 'auto',
    metricType: oneOf(params.get('type'), METRIC_TYPES, 'Bytes'),
    metricFunction: oneOf(params.get('function'), FUNCTIONS, 'avg'),
    recordType: oneOf(params.get('recordType'), RECORD_TYPES, CHOICE_DEFAULTS.recordType),
    packetLoss: oneOf(params.get('packetLoss'), LOSSES, CHOICE_DEFAULTS.packetLoss),
    dataSource: oneOf(params.get('dataSource'), SOURCES, CHOICE_DEFAULTS.dataSource),
    isShowingDuplicates: params.get('showDup') === 'true',
    isShowingSmall: params.get('small') === 'show'
  };
};

/** What an address asks for that cannot be used: without it more, or something else, is shown than was meant. */
export interface Unusable {
  filters: string[];
  range: string[];
  choices: string[];
  /** How the flows are shown, not which. */
  views: string[];
}

export const unusableIn = (
  search: string,
  { isKnownFilter, scopes }: Pick<UrlDefaults, 'isKnownFilter' | 'scopes'>
): Unusable => {
  const params = new URLSearchParams(search);
  const unknown = (key: string, isKnown: (value: string) => boolean) => {
    const value = params.get(key);
    return value === null || isKnown(value) ? [] : [`${key}=${value}`];
  };
  return {
    filters: ['filters', 'off'].flatMap(key => unusableFilters(params.get(key) ?? '', isKnownFilter)),
    range: unusableRange(params),
    choices: CHOICE_VALUES.flatMap(([key, allowed]) => unknown(key, value => allowed.includes(value))),
    views: viewValues(scopes).flatMap(([key, isKnown]) => unknown(key, isKnown))
  };
};

export const urlFromState = (state: PageState): string => {
  const params = new URLSearchParams();
  const put = (key: string, value: string, fallback: string) => {
    if (value !== fallback) {
      params.set(key, value);
    }
  };
  params.set('view', state.view);
  params.set('filters', filtersToUrl(state.filters.filter(filter => !filter.off)));
  // Of a key of their own: NetObserv, which has no such thing, must not apply them.
  put('off', filtersToUrl(state.filters.filter(filter => filter.off)), '');
  put('match', state.match, 'all');
  if (state.range.kind === 'relative') {
    params.set('timeRange', String(state.range.seconds));
  } else {
    params.set('startTime', String(state.range.start));
    params.set('endTime', String(state.range.end));
  }
  put('limit', String(state.limit), '0');
  params.set('scope', state.scope);
  put('group', state.group, 'auto');
  put('type', state.metricType, 'Bytes');
  put('function', state.metricFunction, 'avg');
  put('recordType', state.recordType, CHOICE_DEFAULTS.recordType);
  put('packetLoss', state.packetLoss, CHOICE_DEFAULTS.packetLoss);
  put('dataSource', state.dataSource, CHOICE_DEFAULTS.dataSource);
  put('showDup', String(state.isShowingDuplicates), 'false');
  put('small', state.isShowingSmall ? 'show' : '', '');
  return `?${params.toString()}`;
};
