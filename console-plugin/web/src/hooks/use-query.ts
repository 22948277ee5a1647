//! Loads something and keeps it fresh. Who: every component that shows data of the back end.
//! **Invariant:** at most one request of a hook is in flight, an older answer never replaces a newer one, and the last
//! good answer stays while the next one is fetched, and when the next one to the same question fails.
import { useCallback, useEffect, useRef, useState } from 'react';
import { useActivity } from './use-activity';

export interface QueryState<T> {
  data?: T;
  error?: Error;
  isLoading: boolean;
  /** `data` answers an older question, or the last attempt to refresh it failed: to be shown dimmed. */
  isStale: boolean;
  /** When `data` arrived and how long it took, in milliseconds. */
  loadedAt?: number;
  tookMs?: number;
  cancel: () => void;
}

type Held<T> = Omit<QueryState<T>, 'cancel' | 'isStale'> & {
  /** What `data` or `error` is the answer to. */
  key?: string;
};

/**
 * Runs `load` when `key` or `tick` changes. A new key aborts what is in flight; a tick alone waits for it, so that a slow
 * back end is not asked again and again. A key of `undefined` loads nothing.
 */
export const useQuery = <T>(
  key: string | undefined,
  tick: number,
  load: (signal: AbortSignal) => Promise<T>
): QueryState<T> => {
  const [state, setState] = useState<Held<T>>({ isLoading: key !== undefined });
  const inFlight = useRef<{ key: string; controller: AbortController }>(undefined);
  const latestLoad = useRef(load);
  useEffect(() => {
    latestLoad.current = load;
  });

  useEffect(() => {
    if (key === undefined) {
      inFlight.current?.controller.abort();
      inFlight.current = undefined;
      return;
    }
    if (inFlight.current?.key === key) {
      return;
    }
    inFlight.current?.controller.abort();
    const controller = new AbortController();
    const mine = { key, controller };
    inFlight.current = mine;
    const started = performance.now();
    setState(previous => ({ ...previous, isLoading: true, error: previous.key === key ? previous.error : undefined }));
    const finish = (next: (previous: Held<T>) => Held<T>) => {
      if (inFlight.current === mine) {
        inFlight.current = undefined;
        setState(next);
      }
    };
    latestLoad.current(controller.signal).then(
      data =>
        finish(() => ({ key, data, isLoading: false, loadedAt: Date.now(), tookMs: performance.now() - started })),
      (error: unknown) =>
        finish(previous => ({
          ...(previous.key === key ? previous : {}),
          key,
          isLoading: false,
          error: error instanceof Error ? error : new Error(String(error))
        }))
    );
  }, [key, tick]);

  useEffect(
    () => () => {
      inFlight.current?.controller.abort();
      inFlight.current = undefined;
    },
    []
  );

  const cancel = useCallback(() => {
    inFlight.current?.controller.abort();
    inFlight.current = undefined;
    setState(previous => ({
      ...previous,
      isLoading: false,
      // Where there is nothing to go back to, the reason stands instead, with the way to ask again.
      ...(previous.data === undefined ? { key, error: new Error('Stopped before an answer came') } : {})
    }));
  }, [key]);

  const activity = useActivity();
  // Who asks nothing any more waits for nothing.
  const isLoading = state.isLoading && key !== undefined;
  useEffect(() => (isLoading ? activity.begin(cancel) : undefined), [activity, isLoading, cancel]);

  const isStale = state.data !== undefined && (state.key !== key || state.error !== undefined);
  return { ...state, isLoading, isStale, cancel };
};
