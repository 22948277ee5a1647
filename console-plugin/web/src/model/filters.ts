//! Filters as the page holds them, and their form in a request. (In the address bar: `filter-url`.)
//! Who: the filter bar, every query, every "filter on this" action.
//! **Invariant:** pure; the request form is NetObserv's, and a filter that is on is never left out of a request.
import type { ColumnConfig, FilterConfig } from '../api/types';

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

export class FilterFields {
  private readonly fields = new Map<string, string>();
  private readonly endpoints: Set<string>;

  constructor(columns: ColumnConfig[], filters: FilterConfig[]) {
    for (const column of columns) {
      if (column.filter && column.field && !this.fields.has(column.filter)) {
        this.fields.set(column.filter, column.field);
      }
    }
    this.endpoints = new Set(filters.filter(filter => filter.category === 'endpoint').map(filter => filter.id));
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

const encodeKind = (prefix: string, filter: Filter, joiner: string): string => {
  const plain = (value: string) => value.replaceAll('"', '').toLowerCase();
  const kinds = filter.values.filter(value => OWNER_FREE_KINDS.includes(plain(value)));
  const owners = filter.values.filter(value => !OWNER_FREE_KINDS.includes(plain(value)));
  return [
    ...(kinds.length ? [`${prefix}K8S_Type${filter.compare}${kinds.join(',')}`] : []),
    ...(owners.length ? [`${prefix}K8S_OwnerType${filter.compare}${owners.join(',')}`] : [])
  ].join(joiner);
};

const encodeResource = (prefix: string, filter: Filter, joiner: string): string =>
  filter.values
    .map(value => {
      const [kind = '', namespace = '', ...names] = value.replaceAll('"', '').split('.');
      const name = names.join('.');
      const owner = OWNER_FREE_KINDS.includes(kind.toLowerCase()) ? '' : 'Owner';
      return [
        `${prefix}K8S_${owner}Type${filter.compare}"${kind}"`,
        ...(namespace ? [`${prefix}K8S_Namespace${filter.compare}"${namespace}"`] : []),
        `${prefix}K8S_${owner}Name${filter.compare}"${name}"`
      ].join(isNegated(filter.compare) ? '|' : '&');
    })
    .join(joiner);

const encodeList = (filters: Filter[], match: Match, fields: FilterFields): string => {
  const joiner = match === 'any' ? '|' : '&';
  return filters
    .filter(filter => !filter.off && filter.values.length)
    .map(filter => {
      const prefix = sideOf(filter.id) === 'dst' ? 'Dst' : 'Src';
      switch (baseOf(filter.id)) {
        case 'kind':
          return encodeKind(prefix, filter, joiner);
        case 'resource':
          return encodeResource(prefix, filter, joiner);
        default: {
          const field = fields.fieldOf(filter.id);
          return field ? `${field}${filter.compare}${filter.values.join(',')}` : '';
        }
      }
    })
    .filter(item => item !== '')
    .join(joiner);
};

const onSide = (filters: Filter[], side: 'src' | 'dst', fields: FilterFields): Filter[] =>
  filters.map(filter => (fields.isEndpoint(filter.id) ? { ...filter, id: `${side}_${filter.id}` } : filter));

export interface EncodedFilters {
  /** One request for records. */
  records: string;
  /** Requests for metrics: results are added, and `minus` is subtracted, so that nothing counts twice. */
  metrics: { plus: string[]; minus?: string };
}

export const encodeFilters = (filters: Filter[], match: Match, fields: FilterFields): EncodedFilters => {
  const active = filters
    .filter(filter => !filter.off && filter.values.length)
    .map(filter => ({ ...filter, values: filter.values.map(requestValue) }));
  const encode = (list: Filter[]) => encodeList(list, match, fields);
  const known = (id: string) => fields.fieldOf(id) !== undefined || /^(src|dst)_(kind|resource)$/.test(id);
  let first: Filter[] = active;
  let second: Filter[] | undefined;
  if (active.some(filter => fields.isEndpoint(filter.id))) {
    first = onSide(active, 'src', fields);
    second = onSide(active, 'dst', fields);
  } else if (match === 'bidirectional' && active.some(filter => known(swapId(filter.id)) && sideOf(filter.id))) {
    second = swapFilters(active, known);
  }
  if (!second) {
    const plain = encode(first);
    return { records: plain, metrics: { plus: [plain] } };
  }
  const isAny = match === 'any';
  if (isAny) {
    // "or" with what stays the same on both sides would count that part twice.
    second = second.filter((filter, index) => filter.id !== first[index]!.id);
  }
  const [a, b] = [encode(first), encode(second)];
  return {
    records: `${a}|${b}`,
    metrics: { plus: [a, b], minus: isAny ? undefined : encode(mergeSides(first, second)) }
  };
};

/** Both at once, of two encoded filters: each way to fit the one with each way to fit the other. */
export const both = (one: string, other: string): string =>
  one
    .split('|')
    .flatMap(left => other.split('|').map(right => [left, right].filter(Boolean).join('&')))
    .join('|');

// What both requests have in common is said once in their overlap.
const mergeSides = (first: Filter[], second: Filter[]): Filter[] => {
  const seen = new Set(first.map(filter => filterKey(filter) + filter.values.join()));
  return [...first, ...second.filter(filter => !seen.has(filterKey(filter) + filter.values.join()))];
};
