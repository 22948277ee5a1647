//! The table of flows: only the rows in view exist, columns can be sorted and resized, the keyboard moves through rows.
//! Who: `FlowsPage`.
//! **Invariant:** every row has the same height, which CSS enforces; a refresh keeps scroll position and selection.
import { Table, Tbody, Thead, Tr } from '@patternfly/react-table';
import { ArrowsAltVIcon, LongArrowAltDownIcon, LongArrowAltUpIcon } from '@patternfly/react-icons';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { ColumnConfig } from '../../api/types';
import { useSetting } from '../../hooks/use-settings';
import { useText } from '../../hooks/use-text';
import { useWindow } from '../../hooks/use-window';
import { fullName, isNumeric, type Sort } from '../../model/columns';
import { number, problemOf, type Flow } from '../../model/flow';
import type { PortNames } from '../../model/reference';
import { cell, type CellContext } from './cells';

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
const WIDTH_UNIT = 8.4;
const WIDTH_MIN = 56;
// Values that need more room than their header.
const ROOM: [RegExp, number][] = [
  [/Time$/, 92],
  [/Port$/, 124],
  [/Rtt|Latency|Duration|Bytes/, 92],
  [/Addr$/, 136]
];
// The longest word of a header has to fit beside the sort mark.
const HEADER_LETTER = 7.5;
const HEADER_SPACE = 34;

export const FlowTable = (props: Props) => {
  const { flows, columns, allColumns, ports, nowMs, sort, onSort, isCompact, selectedId, onSelect } = props;
  const t = useText();
  const rowHeight = isCompact ? ROW_HEIGHT.compact : ROW_HEIGHT.normal;
  const { first, last, before, after, scroller, onScroll, reveal } = useWindow(flows.length, rowHeight, HEADER_HEIGHT);
  const [widths, setWidths] = useSetting<Record<string, number>>('netflow-traffic-column-sizes', {});
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
  const widthOf = (column: ColumnConfig) => {
    const word = Math.max(
      ...fullName(column)
        .split(' ')
        .map(each => each.length)
    );
    return (
      widths[column.id] ??
      Math.max(
        ROOM.find(([pattern]) => pattern.test(column.id))?.[1] ?? 0,
        HEADER_SPACE + word * HEADER_LETTER,
        (column.width ?? 10) * WIDTH_UNIT
      )
    );
  };

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
  const total = columns.reduce((sum, column) => sum + widthOf(column), 0);

  return (
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
          {columns.map(column => (
            <col key={column.id} style={{ inlineSize: widthOf(column) }} />
          ))}
        </colgroup>
        <Thead>
          <Tr>
            {columns.map(column => (
              <HeaderCell
                key={column.id}
                column={column}
                sort={sort}
                onSort={onSort}
                onResize={delta => setWidths({ ...widths, [column.id]: Math.max(WIDTH_MIN, widthOf(column) + delta) })}
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
      {columns.map(column => (
        <td
          key={column.id}
          className={`pf-v6-c-table__td netobserv-cell ${isNumeric(column) ? 'netobserv-number' : ''}`}
          onContextMenu={event => {
            event.preventDefault();
            onMenu(flow, column, { x: event.clientX, y: event.clientY });
          }}
        >
          {cell(column, flow, context)}
        </td>
      ))}
    </tr>
  );
};

interface HeaderProps {
  column: ColumnConfig;
  sort: Sort;
  onSort: (sort: Sort) => void;
  onResize: (delta: number) => void;
}

const HeaderCell = ({ column, sort, onSort, onResize }: HeaderProps) => {
  const isSorted = sort.id === column.id;
  const startsDescending = isNumeric(column) || /Time$/.test(column.id);
  const Icon = !isSorted ? ArrowsAltVIcon : sort.isDescending ? LongArrowAltDownIcon : LongArrowAltUpIcon;
  return (
    <th
      scope="col"
      className={`pf-v6-c-table__th pf-v6-c-table__sort ${isSorted ? 'pf-m-selected' : ''} ${isNumeric(column) ? 'netobserv-number' : ''}`}
      aria-sort={isSorted ? (sort.isDescending ? 'descending' : 'ascending') : 'none'}
      title={column.tooltip}
    >
      <button
        type="button"
        className="pf-v6-c-table__button netobserv-sort"
        onClick={() => onSort({ id: column.id, isDescending: isSorted ? !sort.isDescending : startsDescending })}
      >
        <span>{fullName(column)}</span>
        <span className="pf-v6-c-table__sort-indicator">
          <Icon />
        </span>
      </button>
      <Resizer onResize={onResize} />
    </th>
  );
};

/** The edge of a header cell: drag to change the width of the column. */
const Resizer = ({ onResize }: { onResize: (delta: number) => void }) => {
  const startX = useRef<number>(undefined);
  const latest = useRef(onResize);
  useEffect(() => {
    latest.current = onResize;
  });
  const move = useCallback((event: React.PointerEvent) => {
    if (startX.current !== undefined) {
      latest.current(event.clientX - startX.current);
      startX.current = event.clientX;
    }
  }, []);
  return (
    <span
      className="netobserv-resizer"
      aria-hidden
      onClick={event => event.stopPropagation()}
      onPointerDown={event => {
        event.stopPropagation();
        event.currentTarget.setPointerCapture(event.pointerId);
        startX.current = event.clientX;
      }}
      onPointerMove={move}
      onPointerUp={() => {
        startX.current = undefined;
      }}
    />
  );
};
