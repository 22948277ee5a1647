//! Which connections are too small, or too many, to be worth their ink. Who: `use-topology`.
//! **Invariant:** pure; a connection with a problem is never small, and what is left out is counted.
import type { Graph, GraphEdge } from './graph';

export interface Small {
  edges: number;
  /** Nodes that have no other connection. */
  nodes: number;
  /** Of the traffic of all connections. */
  share: number;
}

/** As many connections are always drawn, however small. */
export const EDGES_ALWAYS = 12;
/** With more than this a drawing shows nothing any more. */
export const EDGES_MAX = 300;
/** The smallest that are negligible even together: at most this share of all traffic. */
export const SMALL_SHARE = 0.01;

const ends = (edges: GraphEdge[]): Set<string> => new Set(edges.flatMap(({ source, target }) => [source, target]));

/** Parts a graph of amounts into what is drawn and what is negligible. */
export const withoutSmall = (graph: Graph): { graph: Graph; small?: Small } => {
  const all = graph.edges.reduce((sum, edge) => sum + edge.value, 0);
  const ranked = [...graph.edges].sort((a, b) => b.value - a.value);
  const isHealthy = (edge: GraphEdge) => !edge.problems.length;
  const left = new Set(ranked.slice(EDGES_MAX).filter(isHealthy));
  let together = [...left].reduce((sum, edge) => sum + edge.value, 0);
  for (const edge of ranked.slice(EDGES_ALWAYS, EDGES_MAX).reverse().filter(isHealthy)) {
    together += edge.value;
    if (together > all * SMALL_SHARE) {
      break;
    }
    left.add(edge);
  }
  if (!left.size || all === 0) {
    return { graph };
  }
  const edges = graph.edges.filter(edge => !left.has(edge));
  const [connected, wasConnected] = [ends(edges), ends(graph.edges)];
  // A node that talks to itself alone has no connection that could be small.
  const nodes = graph.nodes.filter(node => connected.has(node.id) || !wasConnected.has(node.id));
  const drawn = new Map<string, number>();
  nodes.forEach(({ cluster }) => drawn.set(cluster, (drawn.get(cluster) ?? 0) + 1));
  const groups = graph.groups
    .filter(group => drawn.has(group.id))
    // Behind a closed group stand all of its nodes; an open one is as large as it looks.
    .map(group => (group.isClosed ? group : { ...group, size: drawn.get(group.id)! }));
  return {
    graph: { ...graph, nodes, edges, groups },
    small: {
      edges: left.size,
      nodes: graph.nodes.length - nodes.length,
      share: [...left].reduce((sum, edge) => sum + edge.value, 0) / all
    }
  };
};
