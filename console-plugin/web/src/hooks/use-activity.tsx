//! What a view waits for, all of its questions together. Who: `use-query` tells of each, `Busy` shows them.
//! **Invariant:** a question counts from its start to its end, and ending them all leaves none behind.
import { createContext, useContext, useState, useSyncExternalStore } from 'react';

class Activity {
  private readonly running = new Map<symbol, () => void>();
  private readonly listeners = new Set<() => void>();

  /** Returns what ends it. */
  begin(cancel: () => void): () => void {
    const id = Symbol('question');
    this.running.set(id, cancel);
    this.tell();
    return () => {
      this.running.delete(id);
      this.tell();
    };
  }

  readonly isBusy = (): boolean => this.running.size > 0;

  readonly cancelAll = (): void => [...this.running.values()].forEach(cancel => cancel());

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private tell() {
    this.listeners.forEach(listener => listener());
  }
}

/** Questions outside of a view, such as those of the frame, are nobody's to wait for. */
const ActivityContext = createContext(new Activity());

export const ActivityProvider = ({ children }: { children: React.ReactNode }) => {
  const [activity] = useState(() => new Activity());
  return <ActivityContext.Provider value={activity}>{children}</ActivityContext.Provider>;
};

export const useActivity = (): Activity => useContext(ActivityContext);

export const useIsBusy = (): [boolean, () => void] => {
  const activity = useActivity();
  return [useSyncExternalStore(activity.subscribe, activity.isBusy), activity.cancelAll];
};
