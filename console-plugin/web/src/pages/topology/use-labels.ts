//! Which texts of the graph are written at the present zoom. Who: `Canvas`.
//! **Invariant:** names of groups first, then of nodes, then rates of edges; the busiest first within each.
import { useMemo } from 'react';
import { GROUP_LABEL_LENGTH, LABEL_LENGTH } from './Elements';
import { curve, shorten } from './geometry';
import type { Graph, GraphEdge, GraphGroup } from './graph';
import { placeLabels, type LabelRequest } from './labels';
import type { Layout } from './use-layout';

interface Input {
  graph: Graph;
  layout: Layout;
  openGroups: GraphGroup[];
  radii: Map<string, number>;
  /** Of the edges, by id. */
  bends: Map<string, number>;
  scale: number;
  format: (value: number) => string;
}

const GROUP_CHARACTER_PX = 7.4;
const NAME_BELOW_PX = 10;
const MARK_BELOW_PX = -16;
/** More rates than these tell nothing at a glance; the others show on hover. */
const EDGE_LABELS_MAX = 16;

export interface Labels {
  /** In the order of drawing: problems last, so that nothing covers them. */
  edges: GraphEdge[];
  placed: Set<string>;
}

const drawingOrder = (edges: GraphEdge[]): GraphEdge[] =>
  [...edges].sort((a, b) => a.problems.length - b.problems.length || a.value - b.value);

export const useLabels = ({ graph, layout, openGroups, radii, bends, scale, format }: Input): Labels => {
  const edges = useMemo(() => drawingOrder(graph.edges), [graph]);
  const placed = useMemo(() => {
    const { positions, boxes } = layout;
    const requests: LabelRequest[] = openGroups.flatMap(group => {
      const box = boxes[group.id];
      const text = shorten(group.name, GROUP_LABEL_LENGTH);
      const half = ((text.length + 6) * GROUP_CHARACTER_PX) / 2 / scale;
      return box ? [{ id: `group ${group.id}`, at: { x: box.x + 12 + half, y: box.y }, text, below: -12 }] : [];
    });
    for (const node of [...graph.nodes].sort((a, b) => b.value - a.value)) {
      const place = positions[node.id];
      if (place) {
        const at = { x: place.x, y: place.y + (radii.get(node.id) ?? 0) };
        requests.push({ id: node.id, at, text: shorten(node.label, LABEL_LENGTH), below: NAME_BELOW_PX });
      }
    }
    for (const edge of [...edges].sort((a, b) => b.value - a.value).slice(0, EDGE_LABELS_MAX)) {
      const [from, to] = [positions[edge.source], positions[edge.target]];
      if (from && to && edge.value > 0) {
        const { middle } = curve(
          from,
          to,
          bends.get(edge.id) ?? 0,
          [radii.get(edge.source) ?? 0, radii.get(edge.target) ?? 0],
          1
        );
        requests.push({
          id: edge.id,
          at: middle,
          text: format(edge.value),
          below: edge.problems.length ? MARK_BELOW_PX : 0
        });
      }
    }
    const obstacles = graph.nodes.flatMap(node => {
      const at = positions[node.id];
      return at ? [{ at, radius: radii.get(node.id) ?? 0 }] : [];
    });
    return placeLabels(requests, obstacles, scale);
  }, [graph, layout, openGroups, radii, bends, scale, format, edges]);
  return { edges, placed };
};
