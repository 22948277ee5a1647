//! Filters for what a chart or the topology names: a peer, a pair of peers, a value of a field.
//! Who: overview panels, the topology. **Invariant:** pure; a value of text is quoted, so that it matches exactly.
import type { FrontendConfig, ScopeConfig } from '../api/types';
import { exact } from './flow-filters';
import { addFilter, baseOf, type Compare, type Filter, type FilterFields } from './filters';
import { labelOfSide, type Peer, type Series } from './series';

export interface FilterContext {
  config: FrontendConfig;
  fields: FilterFields;
  knowsFilter: (id: string) => boolean;
}

/** `Kind.namespace.name`, which names a pod, a service or an owner exactly; nothing for what is none. */
const resourceOf = ({ labels }: Peer): string | undefined => {
  const [kind, name] = labels.K8S_Name
    ? [labels.K8S_Type, labels.K8S_Name]
    : [labels.K8S_OwnerType, labels.K8S_OwnerName];
  return kind && name && labels.K8S_Namespace !== undefined ? `${kind}.${labels.K8S_Namespace}.${name}` : undefined;
};

/** The labels that make a peer of a scope what it is; further labels only say where it stands. */
const identity = (scope: ScopeConfig, side: 'Src' | 'Dst', peer: Peer): string[] => {
  const own = scope.labels.flatMap(label => labelOfSide(label, side) ?? []);
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
): Filter[] => {
  const resource = resourceOf(peer);
  const resourceId = `${side.toLowerCase()}_resource`;
  if (resource !== undefined && fields.isKnown(resourceId)) {
    return [{ id: resourceId, compare, values: [resource] }];
  }
  return identity(scope, side, peer).flatMap(label => {
    const value = peer.labels[label] ?? '';
    const field = scope.labels.includes(side + label) ? side + label : label;
    const id = fields.filterOf(field);
    return id ? [{ id, compare, values: [value === '' ? '""' : exact(config, field, value)] }] : [];
  });
};

/** Filters of either end where the page has such a filter; the source's otherwise. */
export const peerFilters = (context: FilterContext, scope: ScopeConfig, peer: Peer, compare: Compare = '='): Filter[] =>
  sideFilters(context, scope, peer, 'Src', compare).map(filter => {
    const base = baseOf(filter.id);
    return context.fields.isEndpoint(base) ? { ...filter, id: base } : filter;
  });

/**
 * Filters that leave out a peer at both ends. Filters of the bar hold together, so that leaving out what several of them
 * select would leave out more: nothing where the peer takes more than one on a side.
 */
export const withoutPeer = (context: FilterContext, scope: ScopeConfig, peer: Peer): Filter[] => {
  const sides = (['Src', 'Dst'] as const).map(side => sideFilters(context, scope, peer, side, '!='));
  return sides.every(side => side.length === 1) ? addAll([], sides.flat()) : [];
};

/** From the first to the second; to be used with match "bidirectional" for both ways. */
export const pairOfPeers = (context: FilterContext, scope: ScopeConfig, source: Peer, target: Peer): Filter[] =>
  addAll([], [...sideFilters(context, scope, source, 'Src'), ...sideFilters(context, scope, target, 'Dst')]);

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
