//! Arithmetic of charts: the largest series, the rest of them as one, and stacking.
//! Who: charts, overview panels. **Invariant:** pure; what is stacked adds up to the total that is shown.
import type { MetricData } from '../../hooks/use-metrics';
import { statOf, type Series, type SeriesSet } from '../../model/series';
import type { Whole } from '../../model/whole';
import type { Change } from './BarList';

export interface Ranked {
  top: Series[];
  /** What the rest of the total adds up to, per point; nothing when the top is everyone. */
  others?: (number | null)[];
  total: (number | null)[];
}

const sumAt = (list: Series[], index: number): number => list.reduce((sum, each) => sum + (each.values[index] ?? 0), 0);

export const byStat = (series: Series[], fn: string): Series[] =>
  [...series].sort((a, b) => statOf(b.stats, fn) - statOf(a.stats, fn) || (a.name < b.name ? -1 : 1));

/** Values of another set at the times of this one; both may start and end at other points. */
export const alignTo = (times: number[], from: { times: number[] }, values: (number | null)[]): (number | null)[] => {
  const at = new Map(from.times.map((time, index) => [time, values[index] ?? null]));
  return times.map(time => at.get(time) ?? null);
};

/**
 * The top of an additive metric, by the value of the whole range: steps that are still to come, or were cut to their
 * own top, know less. `total` is asked for separately, so that the rest is known and not guessed.
 */
export const rank = (
  { set, whole }: { set: SeriesSet; whole: Whole },
  total: MetricData | undefined,
  count: number
): Ranked => {
  const values = new Map(set.series.map(each => [each.id, each]));
  const sorted = [...whole.values]
    .flatMap(([id, { now = 0 }]) => {
      const series = values.get(id);
      return series && now > 0 ? [{ series, now }] : [];
    })
    .sort((a, b) => b.now - a.now || (a.series.name < b.series.name ? -1 : 1))
    .map(({ series }) => series);
  const top = sorted.slice(0, count);
  const known = total?.series[0] && alignTo(set.times, total, total.series[0].values);
  // Where the total has no point, as before its next answer, it is not known: that of the names would be a fall.
  const sums = set.times.map((_, index) =>
    known && known[index] === null ? null : Math.max(known?.[index] ?? 0, sumAt(sorted, index))
  );
  const isAll = sorted.length <= count && !whole.isLimitReached;
  const rest = isAll
    ? undefined
    : sums.map((sum, index) => (sum === null ? null : Math.max(0, sum - sumAt(top, index))));
  return { top, total: sums, others: rest };
};

/** Each layer on top of the ones before it; where none of them is known there is nothing to stand on. */
export const stack = (layers: (number | null)[][]): (number | null)[][] => {
  const isKnown = (index: number) => layers.some(layer => (layer[index] ?? null) !== null);
  const heights: (number | null)[] = [];
  return layers.map(layer => {
    layer.forEach((value, index) => {
      heights[index] = isKnown(index) ? (heights[index] ?? 0) + (value ?? 0) : null;
    });
    return [...heights];
  });
};

/** Where a value stands alone between gaps. */
export const lonePoints = (values: ArrayLike<number | null | undefined>): number[] =>
  Array.from(values).flatMap((_value, index) => {
    const isGap = (at: number) => (values[at] ?? null) === null;
    return !isGap(index) && isGap(index - 1) && isGap(index + 1) ? [index] : [];
  });

/** How a value changed, as a ratio, or that it is new; nothing when it is not known what it was. */
export const changeOf = (now: number | undefined, before: number | undefined): Change | undefined => {
  if (now === undefined || before === undefined) {
    return undefined;
  }
  return before > 0 ? (now - before) / before : now > 0 ? 'new' : undefined;
};
