//! What may be done with a peer, a pair of peers or a value of a field. Who: side panels and context menus of the
//! overview and the topology.
//! **Invariant:** filters are replaced, not widened: choosing one pair after another shows the last one chosen. What is
//! excluded stays so, and nothing else is excluded with it.
import { areCarried, sideOf, type Filter } from '../model/filters';
import {
  addAll,
  pairOfPeers,
  peerFilters,
  replaceAll,
  sideFilters,
  valueFilters,
  withoutPeer
} from '../model/peer-filters';
import { scopeById, type Peer } from '../model/series';
import type { PageState } from '../model/url-state';
import { useCopy } from './use-copy';
import { usePage } from './use-page';
import { useText } from './use-text';

export interface Action {
  id: string;
  text: string;
  act: () => void;
}

export const useActions = () => {
  const t = useText();
  const copy = useCopy();
  const page = usePage();
  const { config, state, change } = page;
  const scope = scopeById(config.scopes, state.scope);
  const to = (id: string, text: string, filters: Filter[], more: Partial<PageState> = {}): Action[] =>
    filters.length ? [{ id, text, act: () => change({ filters: replaceAll(state.filters, filters), ...more }) }] : [];
  const flows = (filters: Filter[], more: Partial<PageState>): Action[] =>
    to('flows', t('Show its flows'), filters, { ...more, view: 'table' });
  /** In addition to what is excluded already: it must not come back. Not offered where it could not be asked. */
  const exclude = (added: Filter[]): Action[] => {
    const filters = addAll(state.filters, added);
    return added.length && areCarried(filters, state.match, page.fields)
      ? [{ id: 'exclude', text: t('Exclude it'), act: () => change({ filters }) }]
      : [];
  };
  /** A filter of one end alone selects what is sent; both ways are meant. */
  const bothWays = (filters: Filter[]): Partial<PageState> =>
    filters.every(filter => !sideOf(filter.id)) ? {} : { match: 'bidirectional' };

  return {
    ofPeer: (peer: Peer): Action[] => {
      if (!scope) {
        return [];
      }
      const own = peerFilters(page, scope, peer);
      const [source, target] = [sideFilters(page, scope, peer, 'Src'), sideFilters(page, scope, peer, 'Dst')];
      const isSided = source.some(filter => sideOf(filter.id));
      const inner = scopeById(config.scopes, scope.stepInto ?? '');
      return [
        ...to('filter', t('Filter on it'), own, bothWays(own)),
        ...flows(own, bothWays(own)),
        ...(isSided
          ? [...to('source', t('As source'), source), ...to('destination', t('As destination'), target)]
          : []),
        ...exclude(withoutPeer(page, scope, peer)),
        ...(inner
          ? to('inside', t('Look inside, by {{scope}}', { scope: inner.name.toLowerCase() }), own, {
              ...bothWays(own),
              scope: inner.id
            })
          : [])
      ];
    },
    ofPair: (source: Peer, target: Peer): Action[] => {
      const pair = scope ? pairOfPeers(page, scope, source, target) : [];
      return [
        ...to('pair', t('Show only this pair'), pair, { match: 'bidirectional' }),
        ...flows(pair, { match: 'bidirectional' })
      ];
    },
    ofValue: (field: string, value: string): Action[] => {
      const filters = valueFilters(page, field, value);
      return [
        ...to('filter', t('Filter on it'), filters),
        ...flows(filters, {}),
        ...exclude(valueFilters(page, field, value, '!='))
      ];
    },
    copy: (text: string): Action => ({
      id: 'copy',
      text: t('Copy'),
      act: () => copy(text)
    })
  };
};
