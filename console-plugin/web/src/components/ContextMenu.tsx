//! What may be done with something, beside the pointer. Who: table cells, names in charts.
//! **Invariant:** everything it offers can also be done from the side panel with the keyboard.
import { Menu, MenuContent, MenuItem, MenuList } from '@patternfly/react-core';
import { useEffect, useRef } from 'react';
import type { Action } from '../hooks/use-actions';

interface Props {
  name: string;
  /** In the window. */
  at: { x: number; y: number };
  actions: Action[];
  onClose: () => void;
}

const MENU_WIDTH = 260;
const ITEM_HEIGHT = 37;
const PADDING = 20;

export const ContextMenu = ({ name, at, actions, onClose }: Props) => {
  const element = useRef<HTMLDivElement>(null);

  useEffect(() => {
    element.current?.querySelector('button')?.focus();
    const close = (event: Event) => {
      if (event instanceof KeyboardEvent ? event.key === 'Escape' : !element.current?.contains(event.target as Node)) {
        event.preventDefault();
        onClose();
      }
    };
    addEventListener('pointerdown', close);
    addEventListener('keydown', close);
    return () => {
      removeEventListener('pointerdown', close);
      removeEventListener('keydown', close);
    };
  }, [onClose]);

  const height = actions.length * ITEM_HEIGHT + PADDING;
  return (
    <div
      ref={element}
      className="netobserv-context-menu"
      style={{ left: Math.min(at.x, innerWidth - MENU_WIDTH), top: Math.min(at.y, innerHeight - height) }}
    >
      <Menu>
        <MenuContent>
          <MenuList aria-label={name}>
            {actions.map(({ id, text, act }) => (
              <MenuItem
                key={id}
                itemId={id}
                onClick={() => {
                  onClose();
                  act();
                }}
              >
                {text}
              </MenuItem>
            ))}
          </MenuList>
        </MenuContent>
      </Menu>
    </div>
  );
};
