//! Filters as the page holds them, and their form in a request. (In the address bar: `filter-url`.)
//! Who: the filter bar, every query, every "filter on this" action.
//! **Invariant:** pure; the request form is NetObserv's, a filter that is on is never left out of a request without being
//! named (`splitFilters`), and what is excluded is what the filter would have shown, no more and no less.
import type { ColumnConfig, FilterConfig } from '../api/types';
import { allOf, anyOf, carried, TooMuch } from './conditions';

export type Compare = '=' | '!=' | '>=' | '~' | '!~';
export type Match = 'all' | 'any' | 'bidirectional';

export interface Filter {
  id: string;
  compare: Compare;
  values: string[];
  /** Kept in the bar but left out of requests. */
  off?: boolean;
}

const OWNER_FREE_KINDS = ['pod', 'service', 'node'];

export const isNegated = (compare: Compare): boolean => compare.startsWith('!');

export const filterKey = (filter: Filter): string => filter.id + filter.compare;

/** `src_port` is of the source, `port` of either end, `protocol` of none. */
export const sideOf = (id: string): 'src' | 'dst' | undefined =>
  id.startsWith('src_') ? 'src' : id.startsWith('dst_') ? 'dst' : undefined;

export const baseOf = (id: string): string => (sideOf(id) ? id.slice(4) : id);

// ---- editing -------------------------------------------------------------------------------------------------

/** Joins the values of equal filters; a value that is there already is not added again. */
export const addFilter = (filters: Filter[], added: Filter): Filter[] => {
  const index = filters.findIndex(filter => filterKey(filter) === filterKey(added));
  if (index < 0) {
    return [...filters, added];
  }
  return filters.map((filter, i) =>
    i === index ? { ...filter, off: undefined, values: [...new Set([...filter.values, ...added.values])] } : filter
  );
};

/** Puts one filter in the place of another; where there is an equal one, it joins it. */
export const replaceFilter = (filters: Filter[], old: Filter, next: Filter): Filter[] => {
  const isTaken = filters.some(filter => filter !== old && filterKey(filter) === filterKey(next));
  return isTaken
    ? addFilter(
        filters.filter(filter => filter !== old),
        next
      )
    : filters.map(filter => (filter === old ? next : filter));
};

const swapId = (id: string): string => {
  const side = sideOf(id);
  return side ? (side === 'src' ? 'dst_' : 'src_') + baseOf(id) : id;
};

export const swapFilters = (filters: Filter[], known: (id: string) => boolean): Filter[] =>
  filters.map(filter => (known(swapId(filter.id)) ? { ...filter, id: swapId(filter.id) } : filter));

// ---- the request ---------------------------------------------------------------------------------------------

// What the grammar of a request can carry inside of a value; the back end refuses or misreads the rest.
const NOT_CARRIED = /[^\p{Alphabetic}\p{N}_\-.*:/ @]+/gu;

/** The value as a request writes it: signs it cannot carry become `*`, which stands for any text. */
export const requestValue = (value: string): string => {
  const quoted = /^"(.*)"$/s.exec(value)?.[1];
  return quoted === undefined ? value.replace(NOT_CARRIED, '*') : `"${quoted.replace(NOT_CARRIED, '*')}"`;
};

/** Which flow fields stand behind the filters that the page has. */
export class FilterFields {
  private readonly fields = new Map<string, string>();
  private readonly known: Set<string>;
  private readonly endpoints: Set<string>;

  constructor(columns: ColumnConfig[], filters: FilterConfig[]) {
    this.known = new Set(filters.map(filter => filter.id));
    this.endpoints = new Set(filters.filter(filter => filter.category === 'endpoint').map(filter => filter.id));
    for (const column of columns) {
      if (column.filter && column.field && this.known.has(column.filter) && !this.fields.has(column.filter)) {
        this.fields.set(column.filter, column.field);
      }
    }
  }

  isKnown(id: string): boolean {
    return this.known.has(id);
  }

  isEndpoint(id: string): boolean {
    return this.endpoints.has(id);
  }

  /** The flow field of a filter; two of them for a filter of either end. */
  fieldsOf(id: string): string[] {
    const ids = this.isEndpoint(id) ? [`src_${id}`, `dst_${id}`] : [id];
    return ids.flatMap(each => this.fields.get(each) ?? []);
  }

  fieldOf(id: string): string | undefined {
    return this.fields.get(id);
  }

  /** The filter that selects a field's values, if there is one. */
  filterOf(field: string): string | undefined {
    return [...this.fields].find(([, bound]) => bound === field)?.[0];
  }
}

const unquoted = (value: string): string => value.replaceAll('"', '');

/** Kinds of what has no owner and kinds of owners are in two fields: one of either, or, excluded, none of both. */
const encodeKind = (prefix: string, { compare, values }: Filter): string => {
  const isOwnerFree = (value: string) => OWNER_FREE_KINDS.includes(unquoted(value).toLowerCase());
  const parts = [
    ['Type', values.filter(isOwnerFree)] as const,
    ['OwnerType', values.filter(value => !isOwnerFree(value))] as const
  ]
    .filter(([, kinds]) => kinds.length)
    .map(([field, kinds]) => `${prefix}K8S_${field}${compare}${kinds.join(',')}`);
  return isNegated(compare) ? allOf(parts) : anyOf(parts);
};

/** `Kind.namespace.name` is three conditions at once; excluded, one of the three is different. */
const encodeResource = (prefix: string, { compare, values }: Filter): string => {
  // Names of one kind and namespace are said in one go, which keeps what is excluded short.
  const names = new Map<string, string[]>();
  for (const value of values) {
    const [kind = '', namespace = '', ...rest] = unquoted(value).split('.');
    const owner = OWNER_FREE_KINDS.includes(kind.toLowerCase()) ? '' : 'Owner';
    const conditions = [
      `${prefix}K8S_${owner}Type${compare}"${kind}"`,
      ...(namespace ? [`${prefix}K8S_Namespace${compare}"${namespace}"`] : []),
      `${prefix}K8S_${owner}Name${compare}`
    ];
    const key = conditions.join('&');
    names.set(key, [...(names.get(key) ?? []), `"${rest.join('.')}"`]);
  }
  const resources = [...names].map(([conditions, list]) => conditions + list.join(','));
  return isNegated(compare) ? allOf(resources.map(each => each.replaceAll('&', '|'))) : anyOf(resources);
};

/** Of a filter of one side, or of none; nothing where it has no field. */
const encodeOne = (filter: Filter, fields: FilterFields): string => {
  const prefix = sideOf(filter.id) === 'dst' ? 'Dst' : 'Src';
  switch (baseOf(filter.id)) {
    case 'kind':
      return encodeKind(prefix, filter);
    case 'resource':
      return encodeResource(prefix, filter);
    default: {
      const field = fields.fieldOf(filter.id);
      return field ? `${field}${filter.compare}${filter.values.join(',')}` : '';
    }
  }
};

const onSide = (filter: Filter, side: 'src' | 'dst', fields: FilterFields): Filter =>
  fields.isEndpoint(filter.id) ? { ...filter, id: `${side}_${filter.id}` } : filter;

/** The ways in which a flow can fit all filters: as they are, or with its ends exchanged. */
const waysOf = (filters: Filter[], match: Match, fields: FilterFields): Filter[][] => {
  // What either end must not be, neither may be, in whatever direction.
  const sided = filters.flatMap(filter =>
    isNegated(filter.compare) && fields.isEndpoint(filter.id)
      ? [onSide(filter, 'src', fields), onSide(filter, 'dst', fields)]
      : [filter]
  );
  if (sided.some(filter => fields.isEndpoint(filter.id))) {
    return (['src', 'dst'] as const).map(side => sided.map(filter => onSide(filter, side, fields)));
  }
  const known = (id: string) => fields.fieldOf(id) !== undefined || /^(src|dst)_(kind|resource)$/.test(id);
  return match === 'bidirectional' ? [sided, swapFilters(sided, known)] : [sided];
};

/**
 * Filters as one request writes them, for records and for metrics: the back end counts no flow twice. Throws `TooMuch`
 * where one request cannot carry them.
 */
export const encodeFilters = (filters: Filter[], match: Match, fields: FilterFields): string => {
  const active = filters
    .filter(filter => !filter.off && filter.values.length)
    .map(filter => ({ ...filter, values: filter.values.map(requestValue) }));
  const encode = (list: Filter[]) =>
    anyOf(waysOf(list, match, fields).map(way => allOf(way.map(filter => encodeOne(filter, fields)))));
  return carried(
    match === 'any' ? anyOf(active.map(filter => encode([filter])).filter(each => each !== '')) : encode(active)
  );
};

/** The same, or nothing where one request cannot carry them. */
const encodedIfCarried = (filters: Filter[], match: Match, fields: FilterFields): string | undefined => {
  try {
    return encodeFilters(filters, match, fields);
  } catch (error) {
    if (error instanceof TooMuch) {
      return undefined;
    }
    throw error;
  }
};

/** Whether one request can carry these filters. */
export const areCarried = (filters: Filter[], match: Match, fields: FilterFields): boolean =>
  encodedIfCarried(filters, match, fields) !== undefined;

/** Filters that one request can carry, the first ones first and encoded, and those that would be too much beside them. */
export const splitFilters = (filters: Filter[], match: Match, fields: FilterFields) => {
  const whole = encodedIfCarried(filters, match, fields);
  if (whole !== undefined) {
    return { asked: filters, encoded: whole, leftOut: [] };
  }
  const [asked, leftOut]: [Filter[], Filter[]] = [[], []];
  let encoded = '';
  for (const filter of filters) {
    const more = encodedIfCarried([...asked, filter], match, fields);
    (more === undefined ? leftOut : asked).push(filter);
    encoded = more ?? encoded;
  }
  return { asked, encoded, leftOut };
};
