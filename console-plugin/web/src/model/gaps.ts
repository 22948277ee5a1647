//! Points over time of which nobody knows: a step without data in which a component could not be accounted for, or in which
//! records were lost, is no step without traffic. Who: `use-metrics`, `use-top`, the topology.
//! **Invariant:** pure; what was recorded stays, and an average stays that of the whole range; the least and the most are of
//! steps that are known.
import type { Losses } from '../api/types';
import { statsOf, type SeriesSet } from './series';

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
        series: set.series.map(each => {
          const values = each.values.map((value, index) => (unknown.has(index) ? null : value));
          return { ...each, values, stats: { ...statsOf(values), avg: each.stats.avg } };
        })
      }
    : set;
};

/**
 * The last step of which anything is known, of all series alike. Where nobody can tell whether anything passed in the last
 * moments, a step without data says nothing.
 */
export const lastKnown = ({ times, series }: SeriesSet, isNowUnknown: boolean): number | undefined => {
  const isKnown = (index: number) =>
    series.some(({ values }) => {
      const value = values[index] ?? null;
      return value !== null && (value > 0 || !isNowUnknown);
    });
  const last = times.findLastIndex((_time, index) => isKnown(index));
  return last < 0 ? undefined : last;
};
