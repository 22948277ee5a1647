//! Names of a whole range that no step over time has. Who: `use-top`. **Invariant:** pure.
import { named, statsOf, type Series, type SeriesSet } from './series';
import type { Whole } from './whole';

/**
 * The series of a set with their values of the whole range, and one of gaps for each name that counts over the whole range
 * without being among them: its flows ended after the last point, or it was never in the top of a step.
 */
export const completed = (
  { times, series }: SeriesSet,
  whole: Whole,
  labels: string[],
  unknown: string,
  gap: number | null
): Series[] => {
  const known = new Set(series.map(each => each.id));
  const values = times.map(() => gap);
  const stats = statsOf(values);
  const missing = [...whole.values]
    .filter(([id, { now = 0 }]) => now > 0 && !known.has(id))
    .map(([, { metric }]) => ({ ...named(metric, labels, unknown), values, stats }));
  return [...series, ...missing].map(each => ({ ...each, whole: whole.values.get(each.id)?.now }));
};
