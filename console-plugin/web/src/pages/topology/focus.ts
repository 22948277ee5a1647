//! What stands in focus: the selected node or edge and what it touches. Who: `Canvas`. **Invariant:** pure.
import type { Graph } from './graph';

export interface Selection {
  kind: 'node' | 'edge';
  id: string;
}

export interface Focus {
  nodes: ReadonlySet<string>;
  edges: ReadonlySet<string>;
}

export const focusOf = (graph: Graph, selection: Selection | undefined): Focus | undefined => {
  if (!selection) {
    return undefined;
  }
  const edges = graph.edges.filter(({ id, source, target }) =>
    selection.kind === 'edge' ? id === selection.id : source === selection.id || target === selection.id
  );
  const nodes = new Set(edges.flatMap(({ source, target }) => [source, target]));
  if (selection.kind === 'node' && graph.nodes.some(node => node.id === selection.id)) {
    nodes.add(selection.id);
  }
  // What went away with a refresh is no reason to dim the rest.
  return nodes.size ? { nodes, edges: new Set(edges.map(edge => edge.id)) } : undefined;
};
