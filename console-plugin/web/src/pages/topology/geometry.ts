//! Sizes and curves of the drawing. Who: `Elements`, `Canvas`. **Invariant:** pure.
import type { GraphEdge, GraphNode } from './graph';
import type { Box, Point } from './layout';

/** As parts of the distance between the ends: slight ones first, to one side and to the other. */
const BENDS = [0.08, -0.08, 0.2, -0.2, 0.34, -0.34];
/** Of the largest node, with some room: sizes change with each refresh, and a line must not jump. */
const KEEP_OFF = 26;
const SAMPLE_PX = 14;
const SAMPLES_MAX = 60;
const WIDTH_MAX = 5.5;
const WIDTH_STEP = 1.7;
const BUSY_SHARE = 0.05;

/** Width of an edge in pixels: each tenth part of the busiest is thinner by one step. */
export const edgeWidth = (value: number, max: number): number =>
  value <= 0 || max <= 0 ? 1 : Math.max(1, WIDTH_MAX + Math.log10(value / max) * WIDTH_STEP);

/** Radius by the logarithm of the traffic. */
export const nodeRadius = (node: GraphNode, max: number): number => {
  if (node.kind !== 'peer') {
    return 20;
  }
  return node.value <= 0 || max <= 0 ? 9 : Math.max(9, 19 + Math.log10(node.value / max) * 2.6);
};

export const isBusy = (edge: GraphEdge, direction: 'forward' | 'backward'): boolean =>
  edge[direction] > 0 && edge[direction] >= Math.max(edge.forward, edge.backward) * BUSY_SHARE;

const towards = (from: Point, to: Point, distance: number): Point => {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  return { x: from.x + ((to.x - from.x) / length) * distance, y: from.y + ((to.y - from.y) / length) * distance };
};

const arrow = (tip: Point, from: Point, size: number): string => {
  const angle = Math.atan2(tip.y - from.y, tip.x - from.x);
  const corner = (turn: number) =>
    `${(tip.x - size * Math.cos(angle + turn)).toFixed(1)},${(tip.y - size * Math.sin(angle + turn)).toFixed(1)}`;
  return `${tip.x.toFixed(1)},${tip.y.toFixed(1)} ${corner(0.42)} ${corner(-0.42)}`;
};

export interface Curve {
  path: string;
  middle: Point;
  arrowAtEnd: string;
  arrowAtStart: string;
}

const bentAt = (from: Point, to: Point, bend: number): Point => ({
  x: (from.x + to.x) / 2 + (to.y - from.y) * bend,
  y: (from.y + to.y) / 2 - (to.x - from.x) * bend
});

/** The slightest bend with which an edge passes behind the fewest of the other nodes. */
export const bendOf = (from: Point, to: Point, others: Point[]): number => {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  const near = others.filter(each => Math.hypot(each.x - middle.x, each.y - middle.y) < length / 2 + KEEP_OFF);
  const samples = Math.min(SAMPLES_MAX, Math.ceil(length / SAMPLE_PX));
  const covered = (bend: number): number => {
    const control = bentAt(from, to, bend);
    const points = Array.from({ length: samples + 1 }, (_, index): Point => {
      const [part, rest] = [index / samples, 1 - index / samples];
      const at = (a: number, b: number, c: number) => rest * rest * a + 2 * rest * part * b + part * part * c;
      return { x: at(from.x, control.x, to.x), y: at(from.y, control.y, to.y) };
    });
    return near.filter(each => points.some(point => Math.hypot(point.x - each.x, point.y - each.y) < KEEP_OFF)).length;
  };
  let [best, fewest] = [BENDS[0]!, Infinity];
  for (const bend of near.length ? BENDS : []) {
    const count = covered(bend);
    if (count < fewest) {
      [best, fewest] = [bend, count];
    }
    if (count === 0) {
      break;
    }
  }
  return best;
};

export const curve = (from: Point, to: Point, slant: number, radii: [number, number], width: number): Curve => {
  const bend = bentAt(from, to, slant);
  const start = towards(from, bend, radii[0] + 4);
  const end = towards(to, bend, radii[1] + 4);
  const size = 7 + width;
  return {
    path: `M${start.x.toFixed(1)} ${start.y.toFixed(1)}Q${bend.x.toFixed(1)} ${bend.y.toFixed(1)} ${end.x.toFixed(1)} ${end.y.toFixed(1)}`,
    middle: { x: (start.x + 2 * bend.x + end.x) / 4, y: (start.y + 2 * bend.y + end.y) / 4 },
    arrowAtEnd: arrow(end, bend, size),
    arrowAtStart: arrow(start, bend, size)
  };
};

/** Both ends of a long name stay readable. */
export const shorten = (name: string, length: number): string => {
  if (name.length <= length) {
    return name;
  }
  const end = Math.floor((length - 1) / 2);
  return `${name.slice(0, length - 1 - end)}…${name.slice(-end)}`;
};

/** The next node in the direction of an arrow key: near, and rather straight ahead. */
export const neighbour = (
  positions: Record<string, Point>,
  from: string,
  step: { x: number; y: number }
): string | undefined => {
  const start = positions[from];
  if (!start) {
    return undefined;
  }
  let [best, bestCost]: [string | undefined, number] = [undefined, Infinity];
  for (const [id, place] of Object.entries(positions)) {
    const [dx, dy] = [place.x - start.x, place.y - start.y];
    const ahead = dx * step.x + dy * step.y;
    const aside = Math.abs(dx * step.y - dy * step.x);
    const cost = ahead + aside * 2;
    if (id !== from && ahead > 0 && aside <= ahead * 2 && cost < bestCost) {
      [best, bestCost] = [id, cost];
    }
  }
  return best;
};

export const boundsOf = (positions: Record<string, Point>, boxes: Record<string, Box>, openGroups: string[]): Box => {
  const points = Object.values(positions).flatMap(({ x, y }) => [
    { x: x - 70, y: y - 40 },
    { x: x + 70, y: y + 48 }
  ]);
  const corners = openGroups.flatMap(id => {
    const box = boxes[id];
    return box
      ? [
          { x: box.x, y: box.y - 24 },
          { x: box.x + box.width, y: box.y + box.height }
        ]
      : [];
  });
  const all = [...points, ...corners];
  const [x, y] = [Math.min(...all.map(each => each.x)), Math.min(...all.map(each => each.y))];
  return { x, y, width: Math.max(...all.map(each => each.x)) - x, height: Math.max(...all.map(each => each.y)) - y };
};
