//! Loads something about the page's time range. Who: whatever shows sums, averages or points of it.
//! **Invariant:** the range that is asked about begins where its data does: no rate is divided by time before it.
import type { TimeRange } from '../model/time';
import { useFacts } from './use-facts';
import { usePage } from './use-page';
import { useQuery, type QueryState } from './use-query';

/** As `useQuery`, of the page's range. `load` may run a second time, when it turns out where the data begins. */
export const useRangeQuery = <T>(
  key: string | undefined,
  load: (range: TimeRange, signal: AbortSignal) => Promise<T>
): QueryState<T> => {
  const { tick, state } = usePage();
  const { askKnown } = useFacts();
  return useQuery(key, tick, signal => (askKnown ? askKnown(range => load(range, signal)) : load(state.range, signal)));
};
