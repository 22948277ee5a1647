//! Which rows of a long list are in view. Who: the flow table.
//! **Invariant:** rows have one height; the hook never renders, it only says which slice to render and how much space
//! stands before and after it.
import { useCallback, useLayoutEffect, useRef, useState } from 'react';

const OVERSCAN_ROWS = 12;
const START_PX = 4;

export interface RowWindow {
  first: number;
  last: number;
  before: number;
  after: number;
  /** Room for a row, in pixels; 0 before it is known. */
  width: number;
  /** Not scrolled sideways. */
  isAtStart: boolean;
  scroller: React.RefObject<HTMLDivElement>;
  onScroll: () => void;
  reveal: (row: number) => void;
}

export const useWindow = (count: number, rowHeight: number, headerHeight: number): RowWindow => {
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 800, width: 0, isAtStart: true });

  const measure = useCallback(() => {
    const element = scroller.current;
    if (element) {
      // Steps of half the overscan: a scroll event of a few pixels renders nothing.
      const grain = (rowHeight * OVERSCAN_ROWS) / 2;
      const top = Math.floor(element.scrollTop / grain) * grain;
      const { clientHeight: height, clientWidth: width } = element;
      const isAtStart = element.scrollLeft < START_PX;
      setView(old =>
        old.top === top && old.height === height && old.width === width && old.isAtStart === isAtStart
          ? old
          : { top, height, width, isAtStart }
      );
    }
  }, [rowHeight]);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) {
      return undefined;
    }
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [measure, count]);

  const reveal = useCallback(
    (row: number) => {
      const element = scroller.current;
      if (!element) {
        return;
      }
      const top = row * rowHeight;
      const visible = element.clientHeight - headerHeight - rowHeight;
      if (top < element.scrollTop) {
        element.scrollTop = top;
      } else if (top > element.scrollTop + visible) {
        element.scrollTop = top - visible;
      }
    },
    [rowHeight, headerHeight]
  );

  const first = Math.max(0, Math.min(count, Math.floor(view.top / rowHeight) - OVERSCAN_ROWS));
  const last = Math.min(count, Math.ceil((view.top + view.height) / rowHeight) + OVERSCAN_ROWS * 1.5);
  const end = Math.ceil(last);
  return {
    first,
    last: end,
    before: first * rowHeight,
    after: Math.max(0, (count - end) * rowHeight),
    width: view.width,
    isAtStart: view.isAtStart,
    scroller,
    onScroll: measure,
    reveal
  };
};
