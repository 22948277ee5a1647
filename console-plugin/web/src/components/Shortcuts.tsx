//! Keys that work everywhere on the page. Who: the frame.
//! **Invariant:** no key acts while text is being typed or a modifier is held.
import { lazy, useEffect, useRef, useState } from 'react';
import { usePage } from '../hooks/use-page';
import { moveRange } from '../model/time';
import { VIEWS } from '../model/url-state';
import { FILTER_INPUT_ID } from './FilterInput';
import { Late } from './Late';

const ShortcutList = lazy(() => import('./ShortcutList'));

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

export const Shortcuts = () => {
  const page = usePage();
  const [isHelpOpen, setIsHelpOpen] = useState(false);
  const latest = useRef(page);
  useEffect(() => {
    latest.current = page;
  });

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) {
        return;
      }
      const { state, change, refresh } = latest.current;
      const now = Math.floor(Date.now() / 1000);
      const actions: Record<string, () => void> = {
        '/': () =>
          (
            document.querySelector<HTMLElement>('[data-shortcut="/"]') ?? document.getElementById(FILTER_INPUT_ID)
          )?.focus(),
        '[': () => change({ range: moveRange(state.range, -1, now) }),
        ']': () => change({ range: moveRange(state.range, 1, now) }),
        r: refresh,
        '?': () => setIsHelpOpen(true)
      };
      VIEWS.forEach((view, index) => {
        actions[String(index + 1)] = () => change({ view });
      });
      if (actions[event.key]) {
        event.preventDefault();
        actions[event.key]!();
      }
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);

  return isHelpOpen ? (
    <Late>
      <ShortcutList onClose={() => setIsHelpOpen(false)} />
    </Late>
  ) : null;
};
