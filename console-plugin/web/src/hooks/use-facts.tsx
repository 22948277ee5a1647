//! How complete and how fresh the data of the page is. Who: asked by the frame, shown by the strip and the summary.
//! **Invariant:** what is not known is said to be so, and never taken for "nothing".
import { createContext, useCallback, useContext, useMemo, useState } from 'react';
import { ApiError } from '../api/client';
import { getLosses, getRecords, getStatus } from '../api/flows';
import type { Losses, Refusal } from '../api/types';
import { flowsFromAnswer, newestAge } from '../model/flow';
import { formatWithin } from '../model/format';
import { within } from '../model/losses';
import { rangeParams, spanOf } from '../model/time';
import { SharedQuestion } from './shared-question';
import { useBeginning, type AskKnown } from './use-beginning';
import { usePage } from './use-page';
import { useQuery } from './use-query';

export interface Facts {
  losses?: Losses;
  /** The back end knows of losses, but did not tell. */
  isLossUnknown: boolean;
  /** How old the newest flow that fits the filters was when it was asked for; of a range that ends now. */
  newestAgeMs?: number;
  /** Whether there is such a flow is being asked, and not known yet. */
  isNewestAwaited: boolean;
  /** That nothing came in the last moments does not mean that nothing passed. */
  isNowUnknown: boolean;
  /** When the data begins, in seconds and in words, where that is within the range: figures are of the time since then. */
  began?: number;
  beganAt?: string;
  /** Missing where nothing tells of a beginning. */
  askKnown?: AskKnown;
  /** Why flows are not stored now. */
  refusal?: Refusal;
}

const FactsContext = createContext<Facts>({ isLossUnknown: false, isNewestAwaited: false, isNowUnknown: false });

export const useFacts = (): Facts => useContext(FactsContext);

const NO_SUCH_ROUTE = 404;
/** An answer without a flow. */
const NONE = -1;
/** Where nobody counts what is lost: after so long without a flow it is not known whether any passed. */
const OLD_MS = 60_000;

export const FactsProvider = ({ children }: { children: React.ReactNode }) => {
  const { config, state, query, tick, now } = usePage();
  const rangeKey = JSON.stringify(rangeParams(state.range));
  const [lossQuestion] = useState(() => new SharedQuestion<Losses>());
  const loadLosses = useCallback(
    () =>
      lossQuestion.ask(rangeKey, tick, async signal =>
        within(await getLosses(rangeParams(state.range), signal), spanOf(state.range, Date.now() / 1000))
      ),
    [lossQuestion, rangeKey, tick, state.range]
  );
  const losses = useQuery(rangeKey, tick, loadLosses);
  const isLive = state.range.kind === 'relative';
  const newest = useQuery(isLive ? JSON.stringify(query) : undefined, tick, async signal => {
    const answer = await getRecords({ ...query, limit: 1 }, signal);
    return newestAge(flowsFromAnswer(answer, config.fields), Date.now()) ?? NONE;
  });
  const { began, askKnown } = useBeginning(loadLosses);
  // The same words whatever the range: as long ago as it is.
  const beganAt = began === undefined ? undefined : formatWithin(began * 1000, now() - began);
  const status = useQuery('status', tick, signal => getStatus(signal));
  const refusal = status.data?.loki.refusal ?? undefined;
  // An old back end has no such route: the page then claims nothing about losses.
  const isOld = losses.error instanceof ApiError && losses.error.status === NO_SUCH_ROUTE;
  const isLossUnknown = losses.error !== undefined && !isOld;
  const newestAgeMs = isLive && !newest.isStale && newest.data !== NONE ? newest.data : undefined;
  const isNewestAwaited = isLive && newest.isLoading && (newest.data === undefined || newest.isStale);
  const isSilent = !losses.data?.components.length && newestAgeMs !== undefined && newestAgeMs > OLD_MS;
  const isNowUnknown = isLive && (refusal !== undefined || isSilent);
  const facts = useMemo(
    () => ({
      losses: losses.data,
      isLossUnknown,
      newestAgeMs,
      isNewestAwaited,
      isNowUnknown,
      began,
      beganAt,
      askKnown,
      refusal
    }),
    [losses.data, isLossUnknown, newestAgeMs, isNewestAwaited, isNowUnknown, began, beganAt, askKnown, refusal]
  );
  return <FactsContext.Provider value={facts}>{children}</FactsContext.Provider>;
};
