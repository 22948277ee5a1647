//! Metric answers with one value for a whole range and one for the range before it. Who: `use-whole`, overview panels.
//! **Invariant:** pure; a value that was not answered is missing, not 0.
import type { MatrixAnswer } from '../api/types';
import { seriesId } from './series';

export interface WholeValue {
  metric: Record<string, string>;
  now?: number;
  before?: number;
}

export interface Whole {
  /** By the id of the series. */
  values: Map<string, WholeValue>;
  /** The smallest are left out: who is missing may have been there. */
  isLimitReached: boolean;
}

/** Reads the points at two times, in seconds; a range's value stands at its end. */
export const wholeFromAnswer = (answer: MatrixAnswer, nowAt: number, beforeAt: number): Whole => ({
  values: new Map(
    answer.result.map(({ metric, values }): [string, WholeValue] => {
      const at = (seconds: number): number | undefined => {
        const value = Number(values.find(([time]) => time === seconds)?.[1] ?? NaN);
        return Number.isFinite(value) ? value : undefined;
      };
      return [seriesId(metric), { metric, now: at(nowAt), before: at(beforeAt) }];
    })
  ),
  isLimitReached: answer.stats.limitReached
});

/** The only series of a total. */
export const totalOf = (whole: Whole | undefined): WholeValue | undefined => whole?.values.values().next().value;
