//! The algebra of encoded filters: alternatives joined by "|", each of them conditions joined by "&"; the grammar has no
//! brackets, so that what is excluded multiplies. Who: `filters`, `use-metrics`.
//! **Invariant:** pure; what would grow beyond a bound is refused before it is built.

/** What the back end takes in one request: conditions, values of one condition, values of all. */
const CONDITIONS_MAX = 256;
const VALUES_MAX = 1000;
const VALUES_ALL_MAX = 2000;
/** Characters of the filters as they stand in an address, of 48 KiB in all; the rest is for the other parameters. */
const LENGTH_MAX = 40 * 1024;
/** Conditions on the way to a result, which may be shorter: some milliseconds of work. */
const WORK_MAX = 2048;

/** More is asked at once than one request can carry. */
export class TooMuch extends Error {
  constructor() {
    super('More is asked at once than one request can carry: exclude less at once, or by namespace');
  }
}

/** Without alternatives that say no more than a wider one beside them. */
const tidy = (alternatives: string[][]): string => {
  const sets = alternatives.map(each => new Set(each));
  const isWithin = (inner: Set<string>, outer: Set<string>) =>
    inner.size <= outer.size && [...inner].every(each => outer.has(each));
  return sets
    .filter(
      (set, index) =>
        !sets.some((other, at) => at !== index && isWithin(other, set) && (other.size < set.size || at < index))
    )
    .map(set => [...set].join('&'))
    .join('|');
};

const parted = (encoded: string): string[][] =>
  encoded.split('|').map(alternative => alternative.split('&').filter(each => each !== ''));

const countOf = (alternatives: string[][]): number => alternatives.reduce((sum, each) => sum + each.length, 0);

/** Both at once, of two encoded filters: each way to fit the one with each way to fit the other. Throws `TooMuch`. */
export const both = (one: string, other: string): string => {
  const [lefts, rights] = [parted(one), parted(other)];
  // Each side's conditions are written once for each alternative of the other.
  if (countOf(lefts) * rights.length + countOf(rights) * lefts.length > WORK_MAX) {
    throw new TooMuch();
  }
  return tidy(lefts.flatMap(left => rights.map(right => [...left, ...right])));
};

/** Any of some encoded filters. Throws `TooMuch`. */
export const anyOf = (encoded: string[]): string => {
  const alternatives = encoded.flatMap(parted);
  if (countOf(alternatives) > WORK_MAX) {
    throw new TooMuch();
  }
  return tidy(alternatives);
};

export const allOf = (encoded: string[]): string => encoded.reduce(both, '');

/** None of some values and none of others is none of them all: one condition instead of two. */
const merged = (conditions: string[]): string[] => {
  const values = new Map<string, Set<string>>();
  for (const condition of conditions) {
    const [, key = condition, list] = /^(\w+!(?:=|~))(.*)$/s.exec(condition) ?? [];
    const known = values.get(key) ?? new Set();
    values.set(key, new Set([...known, ...(list === undefined ? [] : list.split(','))]));
  }
  return [...values].map(([key, list]) => key + [...list].join(','));
};

/** The shortest form that the back end reads the same, if one request can carry it. Throws `TooMuch`. */
export const carried = (encoded: string): string => {
  const alternatives = parted(encoded).map(merged);
  const values = alternatives.flat().map(condition => condition.split(',').length);
  const text = alternatives.map(each => each.join('&')).join('|');
  if (
    values.length > CONDITIONS_MAX ||
    values.some(count => count > VALUES_MAX) ||
    values.reduce((sum, count) => sum + count, 0) > VALUES_ALL_MAX ||
    // It is encoded twice on its way.
    encodeURIComponent(encodeURIComponent(text)).length > LENGTH_MAX
  ) {
    throw new TooMuch();
  }
  return text;
};
