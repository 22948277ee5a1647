//! What a user chose and expects to find again: columns, widths, density, theme, refresh.
//! Who: any component. **Invariant:** one item of local storage under NetObserv's name and keys; a browser without
//! storage works, and damaged content counts as none.
import { useCallback, useSyncExternalStore } from 'react';

const ITEM = 'netobserv-plugin-settings';

type Settings = Record<string, unknown>;

const listeners = new Set<() => void>();

const load = (): Settings => {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(ITEM) ?? '{}');
    return value && typeof value === 'object' ? (value as Settings) : {};
  } catch {
    return {};
  }
};

let settings = load();

export const readSetting = <T>(key: string, fallback: T): T => (settings[key] as T | undefined) ?? fallback;

export const writeSetting = (key: string, value: unknown): void => {
  settings = { ...settings, [key]: value };
  try {
    localStorage.setItem(ITEM, JSON.stringify(settings));
  } catch {
    // Private windows may refuse; the choice then lasts as long as the page.
  }
  listeners.forEach(listener => listener());
};

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const useSetting = <T>(key: string, fallback: T): [T, (value: T) => void] => {
  const value = useSyncExternalStore(subscribe, () => settings[key] as T | undefined);
  const set = useCallback((next: T) => writeSetting(key, next), [key]);
  return [value ?? fallback, set];
};
