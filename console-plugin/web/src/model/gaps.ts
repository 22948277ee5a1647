//! Points over time of which nobody knows: a step without data in which a component could not be accounted for, or in which
//! records were lost, is no step without traffic. Who: `use-metrics`, `use-top`.
//! **Invariant:** pure; what was recorded stays, and statistics of the whole range stay those of what was recorded.
import type { Losses } from '../api/types';
import type { SeriesSet } from './series';

/** Each point stands for the step before it. */
export const withGaps = <T extends SeriesSet & { step: number }>(set: T, losses: Losses | undefined): T => {
  const missing = [...(losses?.unaccounted ?? []), ...(losses?.intervals ?? [])];
  const unknown = new Set(
    set.times.flatMap((time, index) => {
      const isSilent = set.series.every(({ values }) => !values[index]);
      const touches = isSilent && missing.some(({ from, to }) => from < time * 1000 && to > (time - set.step) * 1000);
      return touches ? [index] : [];
    })
  );
  return unknown.size
    ? {
        ...set,
        series: set.series.map(each => ({
          ...each,
          values: each.values.map((value, index) => (unknown.has(index) ? null : value))
        }))
      }
    : set;
};
