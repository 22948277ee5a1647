//! When the data of the page's range begins, and questions about the range from there on. Who: `use-facts`.
//! **Invariant:** found once for a range and kept while it lies within it; of all flows, whatever the filters. Nobody
//! waits long for it: a question is asked soon, and again only if it was about time before the data begins.
import { useCallback, useRef, useState } from 'react';
import { QUICK_TIMEOUT_MS } from '../api/client';
import { getMetrics } from '../api/flows';
import type { Losses } from '../api/types';
import { findBeginning, knownPart } from '../model/beginning';
import { rangeParams, settledSpan, type TimeRange } from '../model/time';
import { SharedQuestion } from './shared-question';
import { usePage } from './use-page';
import { useQuery } from './use-query';

/** Asks about the part of the page's range that can have data. */
export type AskKnown = <T>(load: (range: TimeRange) => Promise<T>) => Promise<T>;

export interface Beginning {
  /** Seconds, where it is within the range and nobody knows of a time before it. */
  began?: number;
  askKnown: AskKnown;
}

/** So long a question about a new range waits for its beginning: longer than a back end needs that is not busy. */
const PATIENCE_MS = 250;
const patience = () => new Promise<void>(resolve => setTimeout(resolve, PATIENCE_MS));

interface Found {
  /** The question it answers. */
  key: string;
  began?: number;
}

export const useBeginning = (loadLosses: () => Promise<Losses>): Beginning => {
  const { state, query, tick, now } = usePage();
  const { range } = state;
  const { recordType } = query;
  const [question] = useState(() => new SharedQuestion<number | undefined>());
  const found = useRef<Found>({ key: '' });
  const key = JSON.stringify([range, recordType]);

  const find = useCallback(async (): Promise<number | undefined> => {
    const known = found.current.key === key ? found.current.began : undefined;
    const first =
      known !== undefined && known > settledSpan(range, now()).start
        ? known
        : await question.ask(key, tick, signal =>
            findBeginning(range, now(), ({ start, end, step }) => {
              const span = rangeParams({ kind: 'absolute', start, end });
              // Of all flows: what no filter finds was recorded all the same.
              const all = {
                filters: '',
                range: span,
                recordType,
                type: 'Flows',
                aggregateBy: 'app',
                function: 'count'
              };
              return getMetrics({ ...all, step, rateInterval: step }, signal, QUICK_TIMEOUT_MS);
            })
          );
    // After time that nobody can account for flows begin again; what was stored before is another matter.
    const losses = first === undefined ? undefined : await loadLosses().catch(() => undefined);
    const isAfterGap = first !== undefined && losses?.unaccounted.some(({ from }) => from < first * 1000);
    const began = isAfterGap ? undefined : first;
    found.current = { key, began };
    return began;
  }, [key, range, recordType, tick, now, question, loadLosses]);

  const answer = useQuery(key, tick, async (): Promise<Found> => ({ key, began: await find() }));

  const askKnown = useCallback<AskKnown>(
    async load => {
      const part = (began: number | undefined) => knownPart(range, began, now());
      if (found.current.key !== key) {
        await Promise.race([find().catch(() => undefined), patience()]);
      }
      const guess = part(found.current.key === key ? found.current.began : undefined);
      const [first, actual] = await Promise.all([load(guess), find().then(part, () => guess)]);
      return JSON.stringify(actual) === JSON.stringify(guess) ? first : load(actual);
    },
    [key, range, now, find]
  );
  return { began: answer.data?.key === key ? answer.data.began : undefined, askKnown };
};
