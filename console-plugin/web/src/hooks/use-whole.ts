//! One value for the whole range of the page, and one for the range of equal width just before it. Who: overview.
//! **Invariant:** the back end takes the statistic over all flows of a range; percentiles are never averaged here.
import { getMetrics } from '../api/flows';
import { secondsOf, settledSpan } from '../model/time';
import { totalOf, wholeFromAnswer, type Whole } from '../model/whole';
import { askMetric, keyOf, type MetricSpec } from './use-metrics';
import { usePage, type PageModel } from './use-page';
import { useQuery, type QueryState } from './use-query';

export interface WholeData extends Whole {
  /** What this answers; while the next answer is fetched it may not be what was asked last. */
  spec: MetricSpec;
}

export const loadWhole = async (page: PageModel, spec: MetricSpec, signal: AbortSignal): Promise<WholeData> => {
  const width = secondsOf(page.state.range);
  const { start, end } = settledSpan(page.state.range, page.now());
  // Points at the start and at the end of the range, each over the width before it.
  const range = { kind: 'absolute' as const, start, end };
  const answer = await askMetric(page, spec, range, width, signal);
  return { ...wholeFromAnswer(answer, end, start), spec };
};

export const useWhole = (spec: MetricSpec | undefined): QueryState<WholeData> => {
  const page = usePage();
  return useQuery(spec && keyOf(page, spec), page.tick, signal => loadWhole(page, spec!, signal));
};

const PROBE_SECONDS_MAX = 3600;

/** Whether anything was recorded when the range before this one began; without that there is nothing to compare with. */
export const useHasEarlier = (): boolean | undefined => {
  const { state, tick, now } = usePage();
  return useQuery(JSON.stringify(state.range), tick, async signal => {
    const width = secondsOf(state.range);
    const begin = settledSpan(state.range, now()).start - width;
    const probe = Math.min(width, PROBE_SECONDS_MAX);
    const answer = await getMetrics(
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
    );
    return (totalOf(wholeFromAnswer(answer, begin, begin))?.now ?? 0) > 0;
  }).data;
};
