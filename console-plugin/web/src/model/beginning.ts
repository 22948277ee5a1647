//! When the data of a range begins, where that is within the range, and the part of the range that can have data: an
//! average over all of it would take the time before, and the time to come, for time without traffic. Who: `use-beginning`.
//! **Invariant:** pure; a range before which something was recorded has no beginning, however quiet its first part is.
import type { MatrixAnswer } from '../api/types';
import { MIN_RANGE_SECONDS, secondsOf, SETTLE_SECONDS, settledSpan, type Span, type TimeRange } from './time';

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

/** The points within a bucket, which tell more closely where in it the data begins. */
export const narrower = ({ start, end }: Span): Probe => {
  const step = Math.max(1, Math.ceil((end - start) / POINTS));
  return { start: start + step, end: start + Math.ceil((end - start) / step) * step, step };
};

/** The first step that has flows, if there is one. */
export const firstBucket = (answer: MatrixAnswer, step: number): Span | undefined => {
  const times = answer.result.flatMap(({ values }) =>
    values.filter(([, count]) => Number(count) > 0).map(([time]) => time)
  );
  const end = times.reduce((least, time) => Math.min(least, time), Infinity);
  return Number.isFinite(end) ? { start: end - step, end } : undefined;
};

/** The part of a range that can have data: from where that begins, if it is known, to now. */
export const knownPart = (range: TimeRange, began: number | undefined, nowSeconds: number): TimeRange => {
  const asked = settledSpan(range, nowSeconds);
  const end = asked.end > nowSeconds ? nowSeconds - SETTLE_SECONDS : asked.end;
  const start = Math.max(asked.start, Math.min(began ?? asked.start, end - MIN_RANGE_SECONDS));
  if ((start === asked.start && end === asked.end) || start >= end) {
    return range;
  }
  return range.kind === 'relative' ? { kind: 'relative', seconds: end - start } : { kind: 'absolute', start, end };
};

/**
 * Seconds, the same for every range; nothing if the data begins before the range, or there is none. Three questions of a
 * range of years, at the most.
 */
export const findBeginning = async (
  range: TimeRange,
  nowSeconds: number,
  ask: (probe: Probe) => Promise<MatrixAnswer>
): Promise<number | undefined> => {
  const first = async (probe: Probe) => firstBucket(await ask(probe), probe.step);
  let bucket = await first(probeOf(range, nowSeconds));
  if (!bucket || bucket.start <= settledSpan(range, nowSeconds).start) {
    return undefined;
  }
  while (bucket.end - bucket.start > 1) {
    const within = await first(narrower(bucket));
    if (!within) {
      // A source that knows no finer steps: by the end of this one there was data.
      return bucket.end;
    }
    bucket = within;
  }
  return bucket.start;
};
