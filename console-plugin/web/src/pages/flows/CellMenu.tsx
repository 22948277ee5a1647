//! The context menu of a table cell. Who: `FlowsPage`.
//! **Invariant:** everything it offers can also be done from the side panel with the keyboard.
import type { ColumnConfig } from '../../api/types';
import { ContextMenu } from '../../components/ContextMenu';
import type { Action } from '../../hooks/use-actions';
import { useCopy } from '../../hooks/use-copy';
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

export const CellMenu = ({ target, onClose }: { target: CellMenuTarget; onClose: () => void }) => {
  const t = useText();
  const copyText = useCopy();
  const { config, fields, ports, change, filterOn } = usePage();
  const { flow, column, at } = target;
  const value = plainValue(column, flow, config.columns, ports);
  const field = fieldOf(column);
  const filter = (isExcluded: boolean) => fieldFilters(config, fields, flow, field, isExcluded).forEach(filterOn);
  const canFilter = fields.filterOf(field) !== undefined && value !== '';
  const onValue: Action[] = [
    { id: 'filter', text: t('Filter on {{field}}', { field: value }), act: () => filter(false) },
    { id: 'exclude', text: t('Exclude {{field}}', { field: value }), act: () => filter(true) }
  ];
  const copy = {
    id: 'copy',
    text: t('Copy {{field}}', { field: value }),
    act: () => copyText(value)
  };
  const actions: Action[] = [
    ...(canFilter ? onValue : []),
    {
      id: 'pair',
      text: t('Show only this pair'),
      act: () => change({ filters: pairFilters(config, fields, flow), match: 'bidirectional' })
    },
    {
      id: 'conversation',
      text: t('Show only this conversation'),
      act: () => change({ filters: conversationFilters(config, fields, flow), match: 'bidirectional' })
    },
    ...(value === '' ? [] : [copy])
  ];
  return <ContextMenu name={t('Actions on {{value}}', { value })} at={at} actions={actions} onClose={onClose} />;
};
