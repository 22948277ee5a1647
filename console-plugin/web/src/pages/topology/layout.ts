//! Where the nodes of a graph stand: forces inside each cluster, then forces between clusters that do not overlap.
//! Who: `layout.worker`, outside of the page's thread.
//! **Invariant:** pure and deterministic; a node with a known place keeps it within its cluster, and a cluster with a
//! known place moves only as far as it must to make room.
import { forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY } from 'd3-force';
import { separate, type Block } from './separate';

export interface Point {
  x: number;
  y: number;
}

export interface Box extends Point {
  width: number;
  height: number;
}

export interface LayoutInput {
  nodes: { id: string; cluster: string }[];
  edges: { source: string; target: string }[];
  /** Places of the last picture, and the middles of its clusters. */
  known: Record<string, Point>;
  centres: Record<string, Point>;
  /** Width by height of the view. */
  aspect: number;
}

export interface LayoutOutput {
  positions: Record<string, Point>;
  boxes: Record<string, Box>;
  centres: Record<string, Point>;
}

const RADIUS = 36;
/** A few nodes without groups take the room they have. */
const ROOMY = { nodesMax: 30, factor: 2 };
/** Labels stand below nodes and are wider than high. */
const STRETCH = 1.5;
const PADDING = { side: 58, top: 48, bottom: 52 };
const GAP = 46;
const CLOSER = { x: 0.85, y: 0.62 };
const GOLDEN_ANGLE = 2.399963;

interface Body extends Point {
  id: string;
  fx?: number;
  fy?: number;
}

interface Link {
  source: string;
  target: string;
}

// Whole pixels, so that a place that is kept is kept exactly; never a negative zero.
const whole = (value: number): number => Math.round(value) + 0;

/** Places relative to the middle of the cluster. */
const arrange = (ids: string[], links: Link[], known: Record<string, Point>, room: number): Body[] => {
  const bodies = ids.map((id, index): Body => {
    const place = known[id];
    if (place) {
      return { id, x: place.x / STRETCH, y: place.y, fx: place.x / STRETCH, fy: place.y };
    }
    // Seeds of a sunflower: even, and the same every time.
    const distance = RADIUS * room * 1.6 * Math.sqrt(index);
    return { id, x: distance * Math.cos(index * GOLDEN_ANGLE), y: distance * Math.sin(index * GOLDEN_ANGLE) };
  });
  if (bodies.some(body => body.fx === undefined) && bodies.length > 1) {
    const crowd = Math.sqrt(bodies.length);
    forceSimulation(bodies)
      .force(
        'charge',
        forceManyBody<Body>()
          .strength(-160 * room * room)
          .distanceMax(420 * room)
      )
      .force(
        'link',
        forceLink<Body, Link>(links)
          .id(body => body.id)
          .distance(90 * room)
          .strength(0.18)
      )
      .force('collide', forceCollide<Body>(RADIUS * room))
      .force('x', forceX<Body>(0).strength(0.12 / crowd + 0.02))
      .force('y', forceY<Body>(0).strength(0.16 / crowd + 0.03))
      .stop()
      .tick(bodies.length > 150 ? 160 : 220);
  }
  return bodies.map(body => ({ id: body.id, x: whole(body.x * STRETCH), y: whole(body.y) }));
};

const boxOf = (bodies: Point[]): Box => {
  const [xs, ys] = [bodies.map(body => body.x), bodies.map(body => body.y)];
  const [x, y] = [Math.min(...xs) - PADDING.side, Math.min(...ys) - PADDING.top];
  return { x, y, width: Math.max(...xs) + PADDING.side - x, height: Math.max(...ys) + PADDING.bottom - y };
};

interface Cluster extends Block {
  bodies: Body[];
  box: Box;
  fx?: number;
  fy?: number;
}

/** Clusters that talk to each other stand close; those with a known place stay near it. */
const spreadOut = (clusters: Cluster[], links: Link[], centres: Record<string, Point>, aspect: number): void => {
  const isKnown = clusters.filter(cluster => centres[cluster.id]).length * 2 > clusters.length;
  const scale = Math.sqrt(clusters.reduce((sum, { width, height }) => sum + (width + GAP) * (height + GAP), 0));
  clusters.forEach((cluster, index) => {
    const place = centres[cluster.id];
    const distance = (scale / 2) * Math.sqrt(index / clusters.length);
    cluster.x = place?.x ?? distance * Math.cos(index * GOLDEN_ANGLE) * Math.sqrt(aspect);
    cluster.y = place?.y ?? (distance * Math.sin(index * GOLDEN_ANGLE)) / Math.sqrt(aspect);
    if (place && isKnown) {
      [cluster.fx, cluster.fy] = [place.x, place.y];
    }
  });
  if (clusters.some(cluster => cluster.fx === undefined)) {
    forceSimulation(clusters)
      .force(
        'charge',
        forceManyBody<Cluster>().strength(cluster => -Math.max(cluster.width, cluster.height) * 3)
      )
      .force(
        'link',
        forceLink<Cluster, Link>(links)
          .id(cluster => cluster.id)
          .distance(scale / 3)
          .strength(0.08)
      )
      .force(
        'collide',
        forceCollide<Cluster>(cluster => Math.max(cluster.width, cluster.height) / 2)
      )
      .force('x', forceX<Cluster>(0).strength(0.06))
      .force('y', forceY<Cluster>(0).strength(0.06 * aspect * aspect))
      .stop()
      .tick(200);
    // Circles keep wide boxes too far apart: they come closer, and only those that then overlap give way.
    clusters.forEach(cluster => {
      if (cluster.fx === undefined) {
        cluster.x *= CLOSER.x;
        cluster.y *= CLOSER.y;
      }
    });
  }
  separate(clusters, GAP);
};

export const layout = ({ nodes, edges, known, centres, aspect }: LayoutInput): LayoutOutput => {
  const clusterOf = new Map(nodes.map(node => [node.id, node.cluster]));
  const members = new Map<string, string[]>();
  nodes.forEach(({ id, cluster }) => members.set(cluster, [...(members.get(cluster) ?? []), id]));
  const inner = new Map<string, Link[]>();
  const outer = new Map<string, Link>();
  for (const { source, target } of edges) {
    const [from, to] = [clusterOf.get(source), clusterOf.get(target)];
    if (from === undefined || to === undefined) {
      continue;
    }
    if (from === to) {
      inner.set(from, [...(inner.get(from) ?? []), { source, target }]);
    } else {
      outer.set(from < to ? `${from}\n${to}` : `${to}\n${from}`, { source: from, target: to });
    }
  }
  const room = members.size === 1 && nodes.length <= ROOMY.nodesMax ? ROOMY.factor : 1;
  const clusters = [...members].map(([id, ids]): Cluster => {
    const centre = centres[id];
    const relative = centre
      ? Object.fromEntries(
          ids.flatMap(each =>
            known[each] ? [[each, { x: known[each].x - centre.x, y: known[each].y - centre.y }]] : []
          )
        )
      : {};
    const bodies = arrange(ids, inner.get(id) ?? [], relative, room);
    const box = boxOf(bodies);
    return { id, bodies, box, x: 0, y: 0, width: box.width, height: box.height };
  });
  // A block is placed by the middle of its box, but a cluster is remembered by the origin of its bodies: that one does
  // not move when a node is added at its edge.
  const blocks = clusters.map(cluster => ({ ...cluster, ...shiftToBox(cluster.box) }));
  const middles = Object.fromEntries(
    blocks.flatMap(block => {
      const centre = centres[block.id];
      return centre ? [[block.id, { x: centre.x + block.dx, y: centre.y + block.dy }]] : [];
    })
  );
  spreadOut(blocks, [...outer.values()], middles, aspect);
  const output: LayoutOutput = { positions: {}, boxes: {}, centres: {} };
  for (const block of blocks) {
    const origin = { x: whole(block.x - block.dx), y: whole(block.y - block.dy) };
    output.centres[block.id] = origin;
    output.boxes[block.id] = { ...block.box, x: block.box.x + origin.x, y: block.box.y + origin.y };
    for (const body of block.bodies) {
      output.positions[body.id] = { x: body.x + origin.x, y: body.y + origin.y };
    }
  }
  return output;
};

const shiftToBox = (box: Box): { dx: number; dy: number } => ({
  dx: box.x + box.width / 2,
  dy: box.y + box.height / 2
});
