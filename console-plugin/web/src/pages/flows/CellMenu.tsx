//! The context menu of a table cell. Who: `FlowsPage`.
//! **Invariant:** everything it offers can also be done from the side panel with the keyboard.
import { Menu, MenuContent, MenuItem, MenuList } from '@patternfly/react-core';
import { useEffect, useRef } from 'react';
import type { ColumnConfig } from '../../api/types';
import { usePage } from '../../hooks/use-page';
import { useText } from '../../hooks/use-text';
import { fieldOf } from '../../model/columns';
import { conversationFilters, fieldFilters, pairFilters } from '../../model/flow-filters';
import type { Flow } from '../../model/flow';
import { plainValue } from './cells';

export interface CellMenuTarget {
  flow: Flow;
  column: ColumnConfig;
  at: { x: number; y: number };
}

const MENU_WIDTH = 260;
const MENU_HEIGHT = 260;

export const CellMenu = ({ target, onClose }: { target: CellMenuTarget; onClose: () => void }) => {
  const t = useText();
  const { config, fields, ports, change, filterOn } = usePage();
  const element = useRef<HTMLDivElement>(null);
  const { flow, column, at } = target;
  const value = plainValue(column, flow, config.columns, ports);
  const field = fieldOf(column);

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

  const item = (id: string, label: string, act: () => void) => (
    <MenuItem
      key={id}
      itemId={id}
      onClick={() => {
        onClose();
        act();
      }}
    >
      {label}
    </MenuItem>
  );
  const canFilter = fields.filterOf(field) !== undefined && value !== '';
  return (
    <div
      ref={element}
      className="netobserv-context-menu"
      style={{ left: Math.min(at.x, innerWidth - MENU_WIDTH), top: Math.min(at.y, innerHeight - MENU_HEIGHT) }}
    >
      <Menu>
        <MenuContent>
          <MenuList aria-label={t('Actions on {{value}}', { value })}>
            {canFilter &&
              item('filter', t('Filter on {{field}}', { field: value }), () =>
                fieldFilters(config, fields, flow, field).forEach(filterOn)
              )}
            {canFilter &&
              item('exclude', t('Exclude {{field}}', { field: value }), () =>
                fieldFilters(config, fields, flow, field, true).forEach(filterOn)
              )}
            {item('pair', t('Show only this pair'), () =>
              change({ filters: pairFilters(config, fields, flow), match: 'bidirectional' })
            )}
            {item('conversation', t('Show only this conversation'), () =>
              change({ filters: conversationFilters(config, fields, flow), match: 'bidirectional' })
            )}
            {value !== '' &&
              item('copy', t('Copy {{field}}', { field: value }), () => void navigator.clipboard.writeText(value))}
          </MenuList>
        </MenuContent>
      </Menu>
    </div>
  );
};
