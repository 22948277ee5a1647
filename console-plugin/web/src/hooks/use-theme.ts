//! Light or dark: the user's choice, else the system's. Who: the stand-alone frame sets it; charts follow it.
//! **Invariant:** the theme is the class on `html` that PatternFly reads, whoever set it.
import { useEffect, useSyncExternalStore } from 'react';
import { isOneOf, useSetting } from './use-settings';

export type ThemeChoice = 'system' | 'light' | 'dark';

const isThemeChoice = isOneOf<ThemeChoice>('system', 'light', 'dark');
const DARK_CLASS = 'pf-v6-theme-dark';
const systemIsDark = () => matchMedia('(prefers-color-scheme: dark)');

export const useThemeChoice = (): [ThemeChoice, (choice: ThemeChoice) => void] => {
  const [choice, setChoice] = useSetting('netflow-traffic-theme', isThemeChoice, 'system');
  useEffect(() => {
    const query = systemIsDark();
    const apply = () =>
      document.documentElement.classList.toggle(
        DARK_CLASS,
        choice === 'dark' || (choice === 'system' && query.matches)
      );
    apply();
    query.addEventListener('change', apply);
    return () => query.removeEventListener('change', apply);
  }, [choice]);
  return [choice, setChoice];
};

const subscribe = (listener: () => void) => {
  const observer = new MutationObserver(listener);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['class'] });
  return () => observer.disconnect();
};

/** Whether the page is dark now, as the class on `html` says. */
export const useIsDark = (): boolean =>
  useSyncExternalStore(subscribe, () => document.documentElement.classList.contains(DARK_CLASS));
