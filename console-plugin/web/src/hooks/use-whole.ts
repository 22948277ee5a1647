//! One value for the whole range of the page, and one for the range of equal width just before it. Who: overview.
//! **Invariant:** the back end takes the statistic over all flows of a range; percentiles are never averaged here.
import { getLosses, getMetrics } from '../api/flows';
import type { Losses } from '../api/types';
import { missingOf, within } from '../model/losses';
import { secondsOf, settledSpan, type Span, type TimeRange } from '../model/time';
import { totalOf, wholeFromAnswer, type Whole } from '../model/whole';
import { askMetric, keyOf, type MetricSpec } from './use-metrics';
import { usePage, type PageModel } from './use-page';
import type { QueryState } from './use-query';
import { useRangeQuery } from './use-range-query';

export interface WholeData extends Whole {
  /** What this answers; while the next answer is fetched it may not be what was asked last. */
  spec: MetricSpec;
  /** How long the range is that it is about: an amount is a rate times this. */
  seconds: number;
}

export const loadWhole = async (
  page: PageModel,
  range: TimeRange,
  spec: MetricSpec,
  signal: AbortSignal
): Promise<WholeData> => {
  const seconds = secondsOf(range);
  const { start, end } = settledSpan(range, page.now());
  // Points at the start and at the end of the range, each over the width before it.
  const answer = await askMetric(page, spec, { kind: 'absolute', start, end }, seconds, signal);
  return { ...wholeFromAnswer(answer, end, start), spec, seconds };
};

export const useWhole = (spec: MetricSpec | undefined): QueryState<WholeData> => {
  const page = usePage();
  return useRangeQuery(spec && keyOf(page, spec), (range, signal) => loadWhole(page, range, spec!, signal));
};

/** How far is looked for flows before the range to compare with. */
const PROBE_SECONDS_MAX = 3600;
/** More of the range before that nobody can account for, and its figures say little of the traffic then. */
const UNACCOUNTED_SHARE_MAX = 0.01;

/** What there is to compare with: nothing was recorded then, or nobody knows what passed. */
export type Earlier = 'recorded' | 'none' | 'unaccounted';

/** Until it is known, it is taken for recorded. */
export const isComparable = (earlier: Earlier | undefined): boolean => earlier !== 'none' && earlier !== 'unaccounted';

/** Seconds of a span that nobody can account for; none where the back end does not tell. */
const gapIn = (losses: Losses | undefined, span: Span): number =>
  losses ? missingOf(within(losses, span)).gapSeconds : 0;

/** Whether the range before this one was recorded; if not, no change is told. */
export const useEarlier = (): Earlier | undefined => {
  const { state, now } = usePage();
  return useRangeQuery(JSON.stringify(state.range), async (range, signal): Promise<Earlier> => {
    const width = secondsOf(range);
    const { start } = settledSpan(range, now());
    if (start > settledSpan(state.range, now()).start) {
      // Before where the data begins there is none.
      return 'none';
    }
    const begin = start - width;
    const probe = Math.min(width, PROBE_SECONDS_MAX);
    const [answer, losses] = await Promise.all([
      getMetrics(
        {
          filters: '',
          range: { startTime: begin, endTime: begin },
          type: 'Flows',
          aggregateBy: 'app',
          function: 'count',
          step: probe,
          rateInterval: probe
        },
        signal
      ),
      getLosses({ startTime: begin - probe, endTime: start }, signal).catch(() => undefined)
    ]);
    if (gapIn(losses, { start: begin, end: start }) > width * UNACCOUNTED_SHARE_MAX) {
      return 'unaccounted';
    }
    if ((totalOf(wholeFromAnswer(answer, begin, begin))?.now ?? 0) > 0) {
      return 'recorded';
    }
    return gapIn(losses, { start: begin - probe, end: begin }) > 0 ? 'unaccounted' : 'none';
  }).data;
};
