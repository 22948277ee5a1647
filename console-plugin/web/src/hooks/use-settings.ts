//! What a user chose and expects to find again: columns, widths, density, theme, refresh.
//! Who: any component. **Invariant:** one item of local storage under NetObserv's name and keys; a browser without
//! storage works, damaged content counts as none, and what another window wrote stays.
import { useCallback, useSyncExternalStore } from 'react';

const ITEM = 'netobserv-plugin-settings';

type Settings = Record<string, unknown>;

/** Whether what was found is of the kind that was written: another program, or an older page, may have written it. */
export type Guard<T> = (value: unknown) => value is T;

export const isText: Guard<string> = value => typeof value === 'string';
export const isFlag: Guard<boolean> = value => typeof value === 'boolean';
/** A duration or a size. */
export const isAmount: Guard<number> = (value): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0;
export const isTexts: Guard<string[]> = value => Array.isArray(value) && value.every(isText);
export const isAmounts: Guard<Record<string, number>> = (value): value is Record<string, number> =>
  isObject(value) && Object.values(value).every(isAmount);
export const isOneOf =
  <T extends string>(...allowed: T[]): Guard<T> =>
  (value): value is T =>
    allowed.includes(value as T);

const isObject: Guard<Settings> = (value): value is Settings =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const listeners = new Set<() => void>();

const load = (): Settings => {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(ITEM) ?? '{}');
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
};

let settings = load();
/** What storage refused: it stands over what is read there, for as long as the page lasts or until it is written. */
let unsaved: Settings = {};

export const readSetting = <T>(key: string, is: Guard<T>, fallback: T): T => {
  const value = settings[key];
  return is(value) ? value : fallback;
};

export const writeSetting = (key: string, value: unknown): void => {
  unsaved = { ...unsaved, [key]: value };
  settings = { ...settings, ...load(), ...unsaved };
  try {
    localStorage.setItem(ITEM, JSON.stringify(settings));
    unsaved = {};
  } catch {
    // Private windows and full ones refuse; the choice then lasts as long as the page.
  }
  listeners.forEach(listener => listener());
};

/** The way out for whom a setting breaks the page. */
export const forgetSettings = (): void => {
  settings = {};
  unsaved = {};
  try {
    localStorage.removeItem(ITEM);
  } catch {
    // Nothing was kept.
  }
};

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const useSetting = <T>(key: string, is: Guard<T>, fallback: T): [T, (value: T) => void] => {
  const value = useSyncExternalStore(subscribe, () => settings[key]);
  const set = useCallback((next: T) => writeSetting(key, next), [key]);
  return [is(value) ? value : fallback, set];
};
