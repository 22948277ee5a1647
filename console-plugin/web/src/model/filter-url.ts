//! Filters in the address bar: `<id><op><value>,<value>;<id>…`, as NetObserv writes them. Who: `url-state`.
//! **Invariant:** pure; what is written is read back unchanged, whatever a value holds. Signs that the form itself uses
//! are percent-encoded within a value; a value without them is written as NetObserv would, and its links are read.
import type { Compare, Filter } from './filters';

const RESERVED = /[%;,=~]|^ +| +$/g;
// Only what is written so: another "%" in a link of NetObserv's is a plain sign.
const WRITTEN = /%(?:25|3B|2C|3D|7E|20)/gi;

const encode = (sign: string): string => (sign === '~' ? '%7E' : encodeURIComponent(sign));

const writeValue = (value: string): string => value.replace(RESERVED, encode);

const readValues = (text: string): string[] =>
  text
    .split(',')
    .map(value => value.replace(/^ +| +$/g, '').replace(WRITTEN, decodeURIComponent))
    .filter(value => value !== '');

export const filtersToUrl = (filters: Filter[]): string =>
  filters.map(({ id, compare, values }) => `${id}${compare}${values.map(writeValue).join(',')}`).join(';');

interface Parts {
  filters: Filter[];
  /** What is no filter here: of an unknown name or form, or without a value. */
  unusable: string[];
}

const readParts = (text: string, known: (id: string) => boolean): Parts => {
  const parts: Parts = { filters: [], unusable: [] };
  for (const part of text.split(';').filter(each => each.trim() !== '')) {
    const parsed = /^([^=~!>]+)(!=|>=|!~|=|~)([^=~]*)$/.exec(part);
    const values = readValues(parsed?.[3] ?? '');
    if (parsed && known(parsed[1]!) && values.length) {
      parts.filters.push({ id: parsed[1]!, compare: parsed[2] as Compare, values });
    } else {
      parts.unusable.push(part);
    }
  }
  return parts;
};

export const filtersFromUrl = (text: string, known: (id: string) => boolean): Filter[] =>
  readParts(text, known).filters;

export const unusableFilters = (text: string, known: (id: string) => boolean): string[] =>
  readParts(text, known).unusable;
