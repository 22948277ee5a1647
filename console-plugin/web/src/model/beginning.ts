//! When the data of a range begins, where that is within the range: an average over the range takes the time before it
//! for time without traffic. Who: `use-facts`.
//! **Invariant:** pure; a range before which something was recorded has no beginning, however quiet its first part is.
import type { MatrixAnswer } from '../api/types';
import { secondsOf, settledSpan, type Span, type TimeRange } from './time';

/** How far is looked back before a range: a pause of an hour looks like a beginning. */
const LOOK_BACK_SECONDS_MAX = 3600;
/** Points of the question, far below what the back end gives. */
const POINTS = 600;

export interface Probe extends Span {
  /** Seconds that each point stands for, before it. */
  step: number;
}

/** The points that tell: those of the range, and of a while before it. */
export const probeOf = (range: TimeRange, nowSeconds: number): Probe => {
  const width = secondsOf(range);
  const { start, end } = settledSpan(range, nowSeconds);
  const back = Math.min(width, LOOK_BACK_SECONDS_MAX);
  const step = Math.max(1, Math.ceil((width + back) / POINTS));
  return { start: start - back + step, end, step };
};

/** Seconds; nothing if the data begins before the range, or there is none. */
export const beginningOf = (answer: MatrixAnswer, step: number, rangeStart: number): number | undefined => {
  const times = answer.result.flatMap(({ values }) =>
    values.filter(([, count]) => Number(count) > 0).map(([time]) => time)
  );
  const first = times.reduce((least, time) => Math.min(least, time), Infinity) - step;
  return Number.isFinite(first) && first > rangeStart ? first : undefined;
};
