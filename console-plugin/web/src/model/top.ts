//! Names of a whole range that no step over time has. Who: `use-top`. **Invariant:** pure.
import { named, statsOf, type Series, type SeriesSet } from './series';
import type { Whole } from './whole';

/**
 * The series of a set, and one of zeros for each name that counts over the whole range without being among them: its
 * flows ended after the last point, or it was never in the top of a step.
 */
export const completed = ({ times, series }: SeriesSet, whole: Whole, labels: string[], unknown: string): Series[] => {
  const known = new Set(series.map(each => each.id));
  const values = times.map(() => 0);
  const stats = statsOf(times, values);
  const missing = [...whole.values]
    .filter(([id, { now = 0 }]) => now > 0 && !known.has(id))
    .map(([, { metric }]) => ({ ...named(metric, labels, unknown), values, stats }));
  return [...series, ...missing];
};
