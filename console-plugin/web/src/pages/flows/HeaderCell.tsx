//! The head of a column: its name, the sort, the edge to drag; and the width it asks for. Who: `FlowTable`.
//! **Invariant:** the longest word of a name fits into the least width; a width that a user chose is kept to.
import { ArrowsAltVIcon, LongArrowAltDownIcon, LongArrowAltUpIcon } from '@patternfly/react-icons';
import { useCallback, useEffect, useRef } from 'react';
import type { ColumnConfig } from '../../api/types';
import { fullName, isNumeric, type Sort } from '../../model/columns';
import type { Wish } from './fit-columns';

const WIDTH_UNIT = 8.4;
export const WIDTH_MIN = 56;
// Values that need more room than their header: what they like, and what they need.
const ROOM: [RegExp, number, number][] = [
  [/Time$/, 104, 100],
  [/Port$/, 124, 100],
  [/Rtt|Latency|Duration|Bytes/, 92, 80],
  [/Addr$/, 136, 124],
  [/Packets$/, 86, 76],
  [/Name$/, 126, 104]
];
// The longest word of a header has to fit, beside the sort mark where there is room.
const HEADER_LETTER = 7.5;
const HEADER_SPACE = 34;
const HEADER_SPACE_LEAST = 18;

export const wishOf = (column: ColumnConfig, chosen: number | undefined): Wish => {
  if (chosen !== undefined) {
    return { wanted: chosen, least: chosen };
  }
  const letters = Math.max(
    ...fullName(column)
      .split(' ')
      .map(word => word.length)
  );
  const [, likes = 0, needs = WIDTH_MIN] = ROOM.find(([pattern]) => pattern.test(column.id)) ?? [];
  const wanted = Math.max(likes, HEADER_SPACE + letters * HEADER_LETTER, (column.width ?? 10) * WIDTH_UNIT);
  return { wanted, least: Math.min(wanted, Math.max(needs, HEADER_SPACE_LEAST + letters * HEADER_LETTER)) };
};

interface HeaderProps {
  column: ColumnConfig;
  sort: Sort;
  onSort: (sort: Sort) => void;
  onResize: (delta: number) => void;
}

export const HeaderCell = ({ column, sort, onSort, onResize }: HeaderProps) => {
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
