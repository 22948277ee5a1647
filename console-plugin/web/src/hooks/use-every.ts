//! Does something again and again. Who: whatever refreshes the page.
//! **Invariant:** nothing happens while nobody can see the page.
import { useEffect } from 'react';

/** Calls `run`, which must keep its identity, every `ms` milliseconds; without a number never. */
export const useEvery = (ms: number | undefined, run: () => void): void => {
  useEffect(() => {
    if (ms === undefined) {
      return undefined;
    }
    const timer = setInterval(() => {
      if (!document.hidden) {
        run();
      }
    }, ms);
    return () => clearInterval(timer);
  }, [ms, run]);
};
