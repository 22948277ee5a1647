//! Pan and zoom of the drawing: wheel, drag, buttons, fit. Who: `Canvas`.
//! **Invariant:** only attributes of one group element change, without rendering; React learns of it when it rests.
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { Box, Point } from './layout';

export interface Transform {
  x: number;
  y: number;
  scale: number;
}

const SCALE_MIN = 0.08;
const SCALE_MAX = 3;
const FIT_SCALE_MAX = 1.25;
const CENTRE_SCALE_MIN = 0.8;
const THIN_MIN = 0.35;
// Sizing the texts of more shapes than this at every frame would make the movement stutter: they wait for its end.
const SMOOTH_SHAPES_MAX = 250;
/** The search stands above the drawing. */
const TOOLS_HEIGHT = 48;
const REST_MS = 120;
const DRAG_FROM_PX = 4;

export interface PanZoom {
  svg: React.RefObject<SVGSVGElement>;
  content: React.RefObject<SVGGElement>;
  /** As of the last rest. */
  scale: number;
  zoomBy: (factor: number) => void;
  fit: (bounds: Box) => void;
  centre: (point: Point) => void;
  /** True right after a drag, so that its end is not taken for a click. */
  wasDragged: () => boolean;
}

/** Text keeps its size on the screen; lines get thinner in a picture of many nodes. */
const sizeTexts = (group: SVGGElement, scale: number): void => {
  group.style.setProperty('--netobserv-scale', String(scale));
  group.style.setProperty('--netobserv-thin', String(Math.min(1, Math.max(THIN_MIN, Math.sqrt(scale)))));
};

export const usePanZoom = (): PanZoom => {
  const svg = useRef<SVGSVGElement>(null);
  const content = useRef<SVGGElement>(null);
  const transform = useRef<Transform>({ x: 0, y: 0, scale: 1 });
  const rest = useRef<ReturnType<typeof setTimeout>>(undefined);
  const dragged = useRef(false);
  // What is shown whole, until it is moved or zoomed.
  const whole = useRef<Box>(undefined);
  const [scale, setScale] = useState(1);

  // A movement goes on; a jump, such as to show all, is at rest at once.
  const apply = useCallback((next: Transform, isJump = false) => {
    transform.current = next;
    const group = content.current;
    const settle = () => {
      if (group) {
        sizeTexts(group, next.scale);
      }
      setScale(next.scale);
    };
    group?.setAttribute('transform', `translate(${next.x} ${next.y}) scale(${next.scale})`);
    clearTimeout(rest.current);
    if (isJump) {
      settle();
      return;
    }
    if (group && group.childElementCount <= SMOOTH_SHAPES_MAX) {
      sizeTexts(group, next.scale);
    }
    rest.current = setTimeout(settle, REST_MS);
  }, []);

  const fit = useCallback(
    (bounds: Box) => {
      const element = svg.current;
      whole.current = bounds;
      if (element?.clientWidth && bounds.width > 0) {
        const [width, height] = [element.clientWidth, element.clientHeight - TOOLS_HEIGHT];
        const scale = Math.max(SCALE_MIN, Math.min(width / bounds.width, height / bounds.height, FIT_SCALE_MAX) * 0.95);
        const [x, y] = [bounds.x + bounds.width / 2, bounds.y + bounds.height / 2];
        apply({ scale, x: width / 2 - x * scale, y: TOOLS_HEIGHT + height / 2 - y * scale }, true);
      }
    },
    [apply]
  );
  const zoomAt = useCallback(
    (factor: number, x: number, y: number) => {
      whole.current = undefined;
      const old = transform.current;
      const scale = Math.min(SCALE_MAX, Math.max(SCALE_MIN, old.scale * factor));
      const ratio = scale / old.scale;
      apply({ scale, x: x - (x - old.x) * ratio, y: y - (y - old.y) * ratio });
    },
    [apply]
  );

  useEffect(() => {
    const element = svg.current;
    if (!element) {
      return undefined;
    }
    let last: Point | undefined;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const { left, top } = element.getBoundingClientRect();
      zoomAt(Math.exp(-event.deltaY * 0.0015), event.clientX - left, event.clientY - top);
    };
    const onDown = (event: PointerEvent) => {
      if (event.button === 0) {
        last = { x: event.clientX, y: event.clientY };
        dragged.current = false;
      }
    };
    const onMove = (event: PointerEvent) => {
      if (!last) {
        return;
      }
      const [dx, dy] = [event.clientX - last.x, event.clientY - last.y];
      if (!dragged.current && Math.hypot(dx, dy) < DRAG_FROM_PX) {
        return;
      }
      dragged.current = true;
      whole.current = undefined;
      last = { x: event.clientX, y: event.clientY };
      apply({ ...transform.current, x: transform.current.x + dx, y: transform.current.y + dy });
    };
    const onUp = () => {
      last = undefined;
    };
    // Beside an opening panel all stays in view where all was, else the middle stays in the middle.
    let { clientWidth: width, clientHeight: height } = element;
    const observer = new ResizeObserver(() => {
      const shift = (element.clientWidth - width) / 2;
      if (!shift && element.clientHeight === height) {
        return;
      }
      ({ clientWidth: width, clientHeight: height } = element);
      if (whole.current) {
        fit(whole.current);
      } else {
        apply({ ...transform.current, x: transform.current.x + shift });
      }
    });
    observer.observe(element);
    // A passive listener could not keep the page from scrolling.
    element.addEventListener('wheel', onWheel, { passive: false });
    element.addEventListener('pointerdown', onDown);
    addEventListener('pointermove', onMove);
    addEventListener('pointerup', onUp);
    return () => {
      clearTimeout(rest.current);
      observer.disconnect();
      element.removeEventListener('wheel', onWheel);
      element.removeEventListener('pointerdown', onDown);
      removeEventListener('pointermove', onMove);
      removeEventListener('pointerup', onUp);
    };
  }, [apply, fit, zoomAt]);

  const zoomBy = useCallback(
    (factor: number) => {
      const element = svg.current;
      if (element) {
        zoomAt(factor, element.clientWidth / 2, element.clientHeight / 2);
      }
    },
    [zoomAt]
  );
  const centre = useCallback(
    (point: Point) => {
      const element = svg.current;
      whole.current = undefined;
      if (element) {
        const scale = Math.max(transform.current.scale, CENTRE_SCALE_MIN);
        apply(
          { scale, x: element.clientWidth / 2 - point.x * scale, y: element.clientHeight / 2 - point.y * scale },
          true
        );
      }
    },
    [apply]
  );
  const wasDragged = useCallback(() => dragged.current, []);
  return useMemo(
    () => ({ svg, content, scale, zoomBy, fit, centre, wasDragged }),
    [scale, zoomBy, fit, centre, wasDragged]
  );
};
