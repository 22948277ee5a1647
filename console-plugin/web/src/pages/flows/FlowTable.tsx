//! The table of flows: only the rows in view exist, columns can be sorted and resized, the keyboard moves through rows.
//! Who: `FlowsPage`.
//! **Invariant:** every row has the same height, which CSS enforces; a refresh keeps scroll position and selection.
import { Table, Tbody, Thead, Tr } from '@patternfly/react-table';
import { AngleRightIcon, ExclamationTriangleIcon } from '@patternfly/react-icons';
import { useMemo, useState } from 'react';
import type { ColumnConfig } from '../../api/types';
import { isAmounts, useSetting } from '../../hooks/use-settings';
import { useText } from '../../hooks/use-text';
import { useWindow } from '../../hooks/use-window';
import { isNumeric, type Sort } from '../../model/columns';
import { number, problemOf, type Flow } from '../../model/flow';
import type { PortNames } from '../../model/reference';
import { cell, type CellContext } from './cells';
import { fitColumns } from './fit-columns';
import { HeaderCell, WIDTH_MIN, wishOf } from './HeaderCell';

interface Props {
  flows: Flow[];
  columns: ColumnConfig[];
  allColumns: ColumnConfig[];
  ports: PortNames;
  nowMs: number;
  sort: Sort;
  onSort: (sort: Sort) => void;
  isCompact: boolean;
  isStale: boolean;
  selectedId?: string;
  onSelect: (flow: Flow | undefined) => void;
  onExclude: (flow: Flow) => void;
  onMenu: (flow: Flow, column: ColumnConfig, at: { x: number; y: number }) => void;
}

const ROW_HEIGHT = { compact: 32, normal: 52 };
const HEADER_HEIGHT = 48;
const NO_SIZES: Record<string, number> = {};

export const FlowTable = (props: Props) => {
  const { flows, columns, allColumns, ports, nowMs, sort, onSort, isCompact, selectedId, onSelect } = props;
  const t = useText();
  const rowHeight = isCompact ? ROW_HEIGHT.compact : ROW_HEIGHT.normal;
  const view = useWindow(flows.length, rowHeight, HEADER_HEIGHT);
  const { first, last, before, after, width: room, isAtStart, scroller, onScroll, reveal } = view;
  const [chosen, setChosen] = useSetting('netflow-traffic-column-sizes', isAmounts, NO_SIZES);
  const [focusedId, setFocusedId] = useState<string>();
  const context = useMemo(
    (): CellContext => ({
      columns: allColumns,
      ports,
      nowMs,
      ago: duration => t('{{duration}} ago', { duration }),
      isCompact,
      maxBytes: flows.reduce((max, flow) => Math.max(max, number(flow, 'Bytes') ?? 0), 1)
    }),
    [allColumns, ports, nowMs, isCompact, flows, t]
  );
  const { widths, visible } = useMemo(
    () =>
      fitColumns(
        columns.map(column => wishOf(column, chosen[column.id])),
        room
      ),
    [columns, chosen, room]
  );
  const beyond = columns.length - visible;

  const focusRow = (row: number) => {
    const flow = flows[Math.max(0, Math.min(flows.length - 1, row))];
    if (flow) {
      setFocusedId(flow._id);
      reveal(flows.indexOf(flow));
      if (selectedId) {
        onSelect(flow);
      }
    }
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.target !== event.currentTarget) {
      return;
    }
    const row = flows.findIndex(flow => flow._id === focusedId);
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 2);
    const actions: Record<string, () => void> = {
      ArrowDown: () => focusRow(row + 1),
      ArrowUp: () => focusRow(row < 0 ? 0 : row - 1),
      PageDown: () => focusRow(row + page),
      PageUp: () => focusRow(row - page),
      Home: () => focusRow(0),
      End: () => focusRow(flows.length - 1),
      Enter: () => flows[row] && onSelect(flows[row]),
      x: () => flows[row] && props.onExclude(flows[row])
    };
    if (actions[event.key]) {
      event.preventDefault();
      actions[event.key]!();
    }
  };
  const total = widths.reduce((sum, width) => sum + width, 0);

  return (
    <div className="netobserv-table-frame">
      <div
        ref={scroller}
        className={`netobserv-table ${isCompact ? 'netobserv-compact' : ''} ${props.isStale ? 'netobserv-stale' : ''}`}
        onScroll={onScroll}
        onKeyDown={onKeyDown}
        tabIndex={0}
        role="region"
        aria-label={t('Flows: arrow keys move, Enter opens the details')}
        id="table-container"
      >
        <Table
          variant="compact"
          gridBreakPoint=""
          isStickyHeader
          aria-label={t('Traffic flows')}
          aria-rowcount={flows.length + 1}
          style={{ inlineSize: total, minInlineSize: '100%' }}
        >
          <colgroup>
            {columns.map((column, index) => (
              <col key={column.id} style={{ inlineSize: widths[index] }} />
            ))}
          </colgroup>
          <Thead>
            <Tr>
              {columns.map((column, index) => (
                <HeaderCell
                  key={column.id}
                  column={column}
                  sort={sort}
                  onSort={onSort}
                  onResize={delta => setChosen({ ...chosen, [column.id]: Math.max(WIDTH_MIN, widths[index]! + delta) })}
                />
              ))}
            </Tr>
          </Thead>
          <Tbody>
            <tr aria-hidden style={{ blockSize: before }} />
            {flows.slice(first, last).map((flow, index) => (
              <FlowRow
                key={flow._id}
                row={first + index}
                flow={flow}
                columns={columns}
                context={context}
                isFocused={flow._id === focusedId}
                isSelected={flow._id === selectedId}
                onPick={picked => {
                  setFocusedId(picked._id);
                  onSelect(picked);
                }}
                onMenu={props.onMenu}
              />
            ))}
            <tr aria-hidden style={{ blockSize: after }} />
          </Tbody>
        </Table>
      </div>
      {beyond > 0 && isAtStart && (
        <button
          type="button"
          className="netobserv-more-columns"
          title={t('More columns stand to the right; “Columns” chooses which')}
          aria-label={t('Scroll to {{columns}} more columns', { columns: beyond })}
          onClick={() => scroller.current?.scrollTo({ left: scroller.current.scrollWidth })}
        >
          +{beyond} <AngleRightIcon aria-hidden />
        </button>
      )}
    </div>
  );
};

interface RowProps {
  row: number;
  flow: Flow;
  columns: ColumnConfig[];
  context: CellContext;
  isFocused: boolean;
  isSelected: boolean;
  onPick: (flow: Flow) => void;
  onMenu: Props['onMenu'];
}

const FlowRow = ({ row, flow, columns, context, isFocused, isSelected, onPick, onMenu }: RowProps) => {
  const t = useText();
  const problem = problemOf(flow);
  const state = [
    'pf-v6-c-table__tr pf-m-clickable netobserv-row',
    isSelected ? 'pf-m-selected' : '',
    isFocused ? 'netobserv-focused' : '',
    problem ? 'netobserv-problem' : ''
  ];
  return (
    <tr
      id={`netflow-table-row-${row}`}
      className={state.join(' ')}
      aria-rowindex={row + 2}
      aria-selected={isSelected}
      title={problem && t(problem)}
      onClick={() => onPick(flow)}
    >
      {columns.map((column, index) => (
        <td
          key={column.id}
          className={`pf-v6-c-table__td netobserv-cell ${isNumeric(column) ? 'netobserv-number' : ''}`}
          onContextMenu={event => {
            event.preventDefault();
            onMenu(flow, column, { x: event.clientX, y: event.clientY });
          }}
        >
          {problem && index === 0 && (
            <ExclamationTriangleIcon className="netobserv-problem-mark" aria-label={t(problem)} />
          )}
          {cell(column, flow, context)}
        </td>
      ))}
    </tr>
  );
};
