//! Which names and rates are written into the drawing: as many as fit without touching. Who: `Canvas`.
//! **Invariant:** pure; the more traffic, the sooner a text gets its place; what found none is shown on hover.
import type { Point } from './layout';

export interface LabelRequest {
  id: string;
  /** Middle of the text, in the drawing. */
  at: Point;
  text: string;
  /** Shift downwards, in pixels of the screen. */
  below: number;
}

export interface Obstacle {
  at: Point;
  /** In the drawing. */
  radius: number;
}

const CHARACTER = 7.2;
const LINE = 15;
const CELL = 80;

interface Rect {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Rectangles by the cells of a grid they touch, so that a new one meets only its neighbours. */
class Places {
  private readonly cells = new Map<string, Rect[]>();

  private *keys(rect: Rect): Iterable<string> {
    for (let x = Math.floor(rect.left / CELL); x <= Math.floor(rect.right / CELL); x++) {
      for (let y = Math.floor(rect.top / CELL); y <= Math.floor(rect.bottom / CELL); y++) {
        yield `${x}/${y}`;
      }
    }
  }

  isFree(rect: Rect): boolean {
    for (const key of this.keys(rect)) {
      for (const other of this.cells.get(key) ?? []) {
        if (rect.left < other.right && other.left < rect.right && rect.top < other.bottom && other.top < rect.bottom) {
          return false;
        }
      }
    }
    return true;
  }

  take(rect: Rect): void {
    for (const key of this.keys(rect)) {
      const cell = this.cells.get(key);
      if (cell) {
        cell.push(rect);
      } else {
        this.cells.set(key, [rect]);
      }
    }
  }
}

/** Requests in order of importance; answers the ids of those that fit at this scale. */
export const placeLabels = (requests: LabelRequest[], obstacles: Obstacle[], scale: number): Set<string> => {
  const places = new Places();
  for (const { at, radius } of obstacles) {
    const [x, y, half] = [at.x * scale, at.y * scale, radius * scale];
    places.take({ left: x - half, right: x + half, top: y - half, bottom: y + half });
  }
  const placed = new Set<string>();
  for (const { id, at, text, below } of requests) {
    const half = (text.length * CHARACTER) / 2;
    const [x, y] = [at.x * scale, at.y * scale + below];
    const rect = { left: x - half, right: x + half, top: y - LINE / 2, bottom: y + LINE / 2 };
    if (places.isFree(rect)) {
      places.take(rect);
      placed.add(id);
    }
  }
  return placed;
};
