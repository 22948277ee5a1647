//! How complete and how fresh the data of the page is. Who: asked by the frame, shown by the strip and the summary.
//! **Invariant:** what is not known is said to be so, and never taken for "nothing".
import { createContext, useContext, useMemo } from 'react';
import { ApiError } from '../api/client';
import { getLosses, getMetrics, getRecords, getStatus } from '../api/flows';
import type { Losses, Refusal } from '../api/types';
import { beginningOf, probeOf } from '../model/beginning';
import { flowsFromAnswer, newestAge } from '../model/flow';
import { formatWithin } from '../model/format';
import { within } from '../model/losses';
import { rangeParams, secondsOf, settledSpan, spanOf } from '../model/time';
import { usePage } from './use-page';
import { useQuery } from './use-query';

export interface Facts {
  losses?: Losses;
  /** The back end knows of losses, but did not tell. */
  isLossUnknown: boolean;
  /** How old the newest flow that fits the filters was when it was asked for; of a range that ends now. */
  newestAgeMs?: number;
  /** When the data begins, where that is within the range: averages take the time before for time without traffic. */
  beganAt?: string;
  /** Why flows are not stored now. */
  refusal?: Refusal;
}

const FactsContext = createContext<Facts>({ isLossUnknown: false });

export const useFacts = (): Facts => useContext(FactsContext);

const NO_SUCH_ROUTE = 404;
/** An answer without a flow. */
const NONE = -1;

export const FactsProvider = ({ children }: { children: React.ReactNode }) => {
  const { config, state, query, tick, now } = usePage();
  const params = rangeParams(state.range);
  const losses = useQuery(JSON.stringify(params), tick, async signal =>
    within(await getLosses(params, signal), spanOf(state.range, Date.now() / 1000))
  );
  const isLive = state.range.kind === 'relative';
  const newest = useQuery(isLive ? JSON.stringify(query) : undefined, tick, async signal => {
    const answer = await getRecords({ ...query, limit: 1 }, signal);
    return newestAge(flowsFromAnswer(answer, config.fields), Date.now()) ?? NONE;
  });
  const { recordType } = query;
  const beginning = useQuery(JSON.stringify([state.range, recordType]), tick, async signal => {
    const { start, end, step } = probeOf(state.range, now());
    const range = rangeParams({ kind: 'absolute', start, end });
    // Of all flows: what no filter finds was recorded all the same.
    const all = { filters: '', range, recordType, type: 'Flows', aggregateBy: 'app', function: 'count' };
    const answer = await getMetrics({ ...all, step, rateInterval: step }, signal);
    return beginningOf(answer, step, settledSpan(state.range, now()).start);
  });
  const began = beginning.isStale ? undefined : beginning.data;
  const beganAt = began === undefined ? undefined : formatWithin(began * 1000, secondsOf(state.range));
  const status = useQuery('status', tick, signal => getStatus(signal));
  const refusal = status.data?.loki.refusal ?? undefined;
  // An old back end has no such route: the page then claims nothing about losses.
  const isOld = losses.error instanceof ApiError && losses.error.status === NO_SUCH_ROUTE;
  const isLossUnknown = losses.error !== undefined && !isOld;
  const newestAgeMs = isLive && !newest.isStale && newest.data !== NONE ? newest.data : undefined;
  const facts = useMemo(
    () => ({ losses: losses.data, isLossUnknown, newestAgeMs, beganAt, refusal }),
    [losses.data, isLossUnknown, newestAgeMs, beganAt, refusal]
  );
  return <FactsContext.Provider value={facts}>{children}</FactsContext.Provider>;
};
