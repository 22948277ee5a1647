//! What the overview's side panel explains: a pair, one of its ends, or a value of a field. Who: the overview.
//! **Invariant:** pure; a subject means its filters, which hold in addition to those of the page.
import type { Filter } from '../../model/filters';
import { pairOfPeers, peerFilters, sideFilters, valueFilters, type FilterContext } from '../../model/peer-filters';
import type { Peer, Series } from '../../model/series';
import type { ScopeConfig } from '../../api/types';

export type Subject =
  | { kind: 'pair'; id: string; name: string; source: Peer; target: Peer }
  | { kind: 'peer'; id: string; name: string; peer: Peer }
  | { kind: 'value'; id: string; name: string; what: string; field: string; value: string };

export const pairSubject = ({ id, name, source, target }: Pick<Series, 'id' | 'name' | 'source' | 'target'>) =>
  source && target ? ({ kind: 'pair', id, name, source, target } satisfies Subject) : undefined;

export const peerSubject = (peer: Peer, unknown: string): Subject => ({
  kind: 'peer',
  id: peer.id,
  name: peer.name || unknown,
  peer
});

/** The flows of one direction, or all of them where there is none. */
export const waysOf = (context: FilterContext, scope: ScopeConfig, subject: Subject): [Filter[], Filter[]?] => {
  switch (subject.kind) {
    case 'pair': {
      const { source, target } = subject;
      const there = pairOfPeers(context, scope, source, target);
      return source.id === target.id ? [there] : [there, pairOfPeers(context, scope, target, source)];
    }
    case 'peer':
      return [sideFilters(context, scope, subject.peer, 'Src'), sideFilters(context, scope, subject.peer, 'Dst')];
    case 'value':
      return [valueFilters(context, subject.field, subject.value)];
  }
};

/** Filters of who may be listed below it; a pair has nobody else. */
export const membersOf = (context: FilterContext, scope: ScopeConfig, subject: Subject): Filter[] | undefined => {
  switch (subject.kind) {
    case 'pair':
      return undefined;
    case 'peer':
      return peerFilters(context, scope, subject.peer);
    case 'value':
      return valueFilters(context, subject.field, subject.value);
  }
};
