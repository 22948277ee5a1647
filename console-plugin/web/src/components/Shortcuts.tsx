//! Keys that work everywhere on the page, and the list of them. Who: the frame.
//! **Invariant:** no key acts while text is being typed or a modifier is held.
import { Modal, ModalBody, ModalHeader } from '@patternfly/react-core';
import { useEffect, useRef, useState } from 'react';
import { usePage } from '../hooks/use-page';
import { useText } from '../hooks/use-text';
import { moveRange } from '../model/time';
import { VIEWS } from '../model/url-state';
import { FILTER_INPUT_ID } from './FilterInput';

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

export const Shortcuts = () => {
  const t = useText();
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

  const rows: [string, string][] = [
    ['/', t('Filter, or search in the topology')],
    ['1  2  3', t('Overview, traffic flows, topology')],
    ['[  ]', t('Earlier, later')],
    ['r', t('Refresh now')],
    ['↑  ↓', t('Move in the flow table')],
    ['←  →', t('Move the strip of flows over time; a node further in the topology')],
    ['+  -', t('Zoom the strip, or the topology, which 0 shows whole')],
    ['Enter', t('Open the details of a flow')],
    ['x', t('Exclude the destination of a flow')],
    ['Esc', t('Close the side panel')],
    ['?', t('This list')]
  ];
  return isHelpOpen ? (
    <Modal isOpen variant="small" onClose={() => setIsHelpOpen(false)} aria-labelledby="shortcuts-title">
      <ModalHeader title={t('Keyboard shortcuts')} labelId="shortcuts-title" />
      <ModalBody>
        <dl className="netobserv-shortcuts">
          {rows.map(([keys, meaning]) => (
            <div key={keys}>
              <dt>
                {keys.split('  ').map(key => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </dt>
              <dd>{meaning}</dd>
            </div>
          ))}
        </dl>
      </ModalBody>
    </Modal>
  ) : null;
};
