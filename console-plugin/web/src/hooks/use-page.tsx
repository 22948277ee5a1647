//! The state of the page and what may be done to it: filters, range, view, refresh, selection.
//! Who: provided once by `components/Page`, read everywhere below it.
//! **Invariant:** what a link should carry lives in the address bar and nowhere else; each change of it is one history
//! entry, so that back and forward undo and redo it.
import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState } from 'react';
import type { FlowQuery } from '../api/flows';
import type { FrontendConfig } from '../api/types';
import { addFilter, FilterFields, splitFilters, type Filter } from '../model/filters';
import { FilterText } from '../model/filter-text';
import { PortNames } from '../model/reference';
import { rangeParams, type TimeRange } from '../model/time';
import {
  DEFAULT_LIMIT,
  DEFAULT_TOP,
  TOPS,
  stateFromUrl,
  unusableIn,
  urlFromState,
  type PageState,
  VIEWS,
  type Unusable
} from '../model/url-state';
import { useEvery } from './use-every';
import { isAmount, isOneOf, isText, readSetting, useSetting, writeSetting } from './use-settings';

export interface PageModel {
  config: FrontendConfig;
  fields: FilterFields;
  ports: PortNames;
  filterText: FilterText;
  state: PageState;
  /** Of the address the page was opened with, until filters or range are chosen anew. */
  unusable: Unusable;
  /** Filters that are on and not asked: one request cannot carry them. */
  leftOut: Filter[];
  /** Records and metrics share these parameters. */
  query: FlowQuery;
  limit: number;
  top: number;
  tick: number;
  /** When this refresh began, in seconds: what is asked together is asked of one time. */
  now: () => number;
  refreshMs: number;
  /** The range ends now and the page asks again by itself. */
  isLive: boolean;
  hasFeature: (feature: string) => boolean;
  knowsFilter: (id: string) => boolean;
  change: (change: Partial<PageState>, options?: { replace?: boolean }) => void;
  filterOn: (filter: Filter) => void;
  setRefreshMs: (ms: number) => void;
  refresh: () => void;
}

const PageContext = createContext<PageModel | undefined>(undefined);

export const usePage = (): PageModel => {
  const page = useContext(PageContext);
  if (!page) {
    throw new Error('usePage is called outside of PageProvider');
  }
  return page;
};

/** What a view is chosen by: a link that names another one is no longer looked at once somebody has chosen. */
const VIEW_KEYS = ['view', 'scope', 'limit', 'metricType', 'metricFunction'] as const;

const SAVED_QUERY = 'netflow-traffic-query-params';

const defaultFilters = (config: FrontendConfig, knows: (id: string) => boolean): Filter[] =>
  config.quickFilters
    .filter(quick => quick.default)
    .flatMap(quick => quickFilterValues(quick.filter))
    .filter(filter => knows(filter.id))
    .reduce(addFilter, []);

/** `key!` negates and `key>` compares; without either the values are matched. */
export const quickFilterValues = (filter: Record<string, string>): Filter[] =>
  Object.entries(filter).map(([key, values]) => {
    const sign = key.at(-1);
    return {
      id: key.replace(/[!>]$/, ''),
      compare: sign === '!' ? '!~' : sign === '>' ? '>=' : '~',
      values: values.split(',')
    };
  });

export const PageProvider = ({ config, children }: { config: FrontendConfig; children: React.ReactNode }) => {
  const shared = useMemo(() => {
    const features = new Set(config.features);
    const filters = config.filters.filter(filter => !filter.feature || features.has(filter.feature));
    const known = new Set(filters.map(filter => filter.id));
    const scopes = config.scopes.filter(scope => !scope.feature || features.has(scope.feature));
    const ports = new PortNames(config.portNaming);
    const knowsFilter = (id: string) => known.has(id);
    return {
      config: { ...config, filters, scopes },
      fields: new FilterFields(config.columns, filters),
      ports,
      filterText: new FilterText(knowsFilter, ports),
      hasFeature: (feature: string) => features.has(feature),
      knowsFilter,
      parseUnusable: (search: string) =>
        unusableIn(search, { isKnownFilter: knowsFilter, scopes: scopes.map(scope => scope.id) }),
      parse: (search: string) =>
        stateFromUrl(search, {
          filters: defaultFilters(config, knowsFilter),
          scopes: scopes.map(scope => scope.id),
          view: readSetting('netflow-traffic-view-id', isOneOf(...VIEWS), 'overview'),
          isKnownFilter: knowsFilter
        })
    };
  }, [config]);

  const [state, setState] = useState(() => shared.parse(location.search || readSetting(SAVED_QUERY, isText, '')));
  const [unusable, setUnusable] = useState(() => shared.parseUnusable(location.search));
  const [tick, setTick] = useState(0);
  const [refreshMs, setRefreshMs] = useSetting('netflow-traffic-refresh', isAmount, 15_000);

  // Two changes in one turn of the event loop build on each other, before either is rendered.
  const current = useRef(state);
  const settle = useCallback((next: PageState) => {
    current.current = next;
    setState(next);
  }, []);

  useEffect(() => {
    const restore = () => {
      settle(shared.parse(location.search));
      setUnusable(shared.parseUnusable(location.search));
    };
    addEventListener('popstate', restore);
    return () => removeEventListener('popstate', restore);
  }, [shared, settle]);

  // The first address is completed in place, so that it can be copied at once.
  useEffect(() => {
    const search = urlFromState(state);
    if (!location.search) {
      history.replaceState(null, '', search + location.hash);
    }
    writeSetting(SAVED_QUERY, search);
    writeSetting('netflow-traffic-view-id', state.view);
  }, [state]);

  const change = useCallback(
    (change: Partial<PageState>, options?: { replace?: boolean }) => {
      const old = current.current;
      // A limit is one of rows, of nodes or of names: it means nothing in another view.
      const limit = change.view && change.view !== old.view ? { limit: 0 } : {};
      const next = { ...old, ...limit, ...change };
      const search = urlFromState(next);
      if (search !== location.search) {
        history[options?.replace ? 'replaceState' : 'pushState'](null, '', search + location.hash);
      }
      settle(next);
      // Each part of the notice stands until somebody has chosen what it is about.
      setUnusable(({ filters, range, choices, views }) => ({
        filters: change.filters ? [] : filters,
        range: change.range ? [] : range,
        choices: change.match || change.recordType ? [] : choices,
        views: VIEW_KEYS.some(key => change[key] !== undefined) ? [] : views
      }));
    },
    [settle]
  );

  const refresh = useCallback(() => setTick(old => old + 1), []);
  const isLive = state.range.kind === 'relative' && refreshMs > 0;
  useEvery(isLive ? refreshMs : undefined, refresh);

  // Another question is of another time, and so is the same one asked again.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const now = useMemo(() => makeClock(), [state, tick]);

  const page = useMemo((): PageModel => {
    const { encoded, leftOut } = splitFilters(state.filters, state.match, shared.fields);
    return {
      ...shared,
      state,
      unusable,
      leftOut,
      query: {
        filters: encoded,
        range: rangeParams(state.range),
        recordType: state.recordType === 'flowLog' ? undefined : state.recordType,
        packetLoss: state.packetLoss === 'all' ? undefined : state.packetLoss,
        dataSource: state.dataSource === 'auto' ? undefined : state.dataSource
      },
      limit: state.limit || DEFAULT_LIMIT,
      top: TOPS.includes(state.limit) ? state.limit : DEFAULT_TOP,
      tick,
      now,
      refreshMs,
      isLive,
      change,
      filterOn: filter => change({ filters: addFilter(state.filters, filter) }),
      setRefreshMs,
      refresh
    };
  }, [shared, state, unusable, tick, now, refreshMs, isLive, change, setRefreshMs, refresh]);

  return <PageContext.Provider value={page}>{children}</PageContext.Provider>;
};

/** Reads the clock once, when it is first asked. */
const makeClock = (): (() => number) => {
  let now: number | undefined;
  return () => (now ??= Math.floor(Date.now() / 1000));
};

export const useRange = (): [TimeRange, (range: TimeRange) => void] => {
  const { state, change } = usePage();
  return [state.range, range => change({ range })];
};
