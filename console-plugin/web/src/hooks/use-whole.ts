//! One value for the whole range of the page, and one for the range of equal width just before it. Who: overview.
//! **Invariant:** the back end takes the statistic over all flows of a range; percentiles are never averaged here.
import { getMetrics } from '../api/flows';
import { secondsOf, settledSpan } from '../model/time';
import { totalOf, wholeFromAnswer, type Whole } from '../model/whole';
import { askMetric, keyOf, type MetricSpec } from './use-metrics';
import { usePage, type PageModel } from './use-page';
import { useQuery, type QueryState } from './use-query';

const nowSeconds = () => Math.floor(Date.now() / 1000);

export const loadWhole = async (page: PageModel, spec: MetricSpec, signal: AbortSignal): Promise<Whole> => {
  const width = secondsOf(page.state.range);
  const { start, end } = settledSpan(page.state.range, nowSeconds());
  // Points at the start and at the end of the range, each over the width before it.
  const range = { kind: 'absolute' as const, start, end };
  const answer = await askMetric(page, spec, range, { step: width, rateInterval: width }, signal);
  return wholeFromAnswer(answer, end, start);
};

export const useWhole = (spec: MetricSpec | undefined): QueryState<Whole> => {
  const page = usePage();
  return useQuery(spec && keyOf(page, spec), page.tick, signal => loadWhole(page, spec!, signal));
};

const PROBE_SECONDS_MAX = 3600;

/** Whether anything was recorded when the range before this one began; without that there is nothing to compare with. */
export const useHasEarlier = (): boolean | undefined => {
  const { state, tick } = usePage();
  return useQuery(JSON.stringify(state.range), tick, async signal => {
    const width = secondsOf(state.range);
    const begin = settledSpan(state.range, nowSeconds()).start - width;
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
