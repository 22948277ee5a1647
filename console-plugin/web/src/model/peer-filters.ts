//! Filters for what a chart or the topology names: a peer, a pair of peers, a value of a field.
//! Who: overview panels, the topology. **Invariant:** pure; a value of text is quoted, so that it matches exactly.
import type { FrontendConfig, ScopeConfig } from '../api/types';
import { exact } from './flow-filters';
import { addFilter, baseOf, type Compare, type Filter, type FilterFields } from './filters';
import type { Peer, Series } from './series';

export interface FilterContext {
  config: FrontendConfig;
  fields: FilterFields;
  knowsFilter: (id: string) => boolean;
}

/** The labels that make a peer of a scope what it is; further labels only say where it stands. */
const identity = (scope: ScopeConfig, side: 'Src' | 'Dst', peer: Peer): string[] => {
  const own = scope.labels.filter(label => label.startsWith(side)).map(label => label.slice(3));
  const address = own.includes('Addr') && peer.labels.Addr && !peer.labels.K8S_Name;
  return address ? ['Addr'] : own;
};

/** Filters of one side. */
export const sideFilters = (
  { config, fields }: FilterContext,
  scope: ScopeConfig,
  peer: Peer,
  side: 'Src' | 'Dst',
  compare: Compare = '='
): Filter[] =>
  identity(scope, side, peer).flatMap(label => {
    const id = fields.filterOf(side + label);
    const value = peer.labels[label] ?? '';
    return id ? [{ id, compare, values: [value === '' ? '""' : exact(config, side + label, value)] }] : [];
  });

/** Filters of either end where the page has such a filter; the source's otherwise. */
export const peerFilters = (context: FilterContext, scope: ScopeConfig, peer: Peer, compare: Compare = '='): Filter[] =>
  sideFilters(context, scope, peer, 'Src', compare).map(filter => {
    const base = baseOf(filter.id);
    return context.fields.isEndpoint(base) ? { ...filter, id: base } : filter;
  });

/** From the first to the second; to be used with match "bidirectional" for both ways. */
export const pairOfPeers = (context: FilterContext, scope: ScopeConfig, source: Peer, target: Peer): Filter[] => [
  ...sideFilters(context, scope, source, 'Src'),
  ...sideFilters(context, scope, target, 'Dst')
];

export const seriesFilters = (context: FilterContext, scope: ScopeConfig | undefined, series: Series): Filter[] =>
  scope && series.source && series.target ? pairOfPeers(context, scope, series.source, series.target) : [];

/** A value of one field; of either end for a port. */
export const valueFilters = (
  context: FilterContext,
  field: string,
  value: string,
  compare: Compare = '='
): Filter[] => {
  const id = context.fields.filterOf(field);
  if (!id) {
    return [];
  }
  const base = baseOf(id);
  return [{ id: context.fields.isEndpoint(base) ? base : id, compare, values: [exact(context.config, field, value)] }];
};

export const addAll = (filters: Filter[], added: Filter[]): Filter[] => added.reduce(addFilter, filters);

/** In place of what the same filters said before: a second pair must not be "or"-ed into the first. */
export const replaceAll = (filters: Filter[], added: Filter[]): Filter[] => [
  ...filters.filter(filter => !added.some(each => each.id === filter.id && each.compare === filter.compare)),
  ...added
];
