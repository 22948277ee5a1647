//! Positions for a graph, computed in a worker and kept across refreshes. Who: `TopologyPage`.
//! **Invariant:** the last positions stay until new ones are there; an outdated answer is dropped.
import { useEffect, useRef, useState } from 'react';
import type { Graph } from './graph';
import type { LayoutInput, LayoutOutput, Point } from './layout';

export interface Layout extends LayoutOutput {
  /** Which graph this is a picture of; another one is a reason to fit the view. */
  shape: string;
}

interface Kept {
  shape: string;
  positions: Record<string, Point>;
  centres: Record<string, Point>;
}

const DEFAULT_ASPECT = 1.9;

/** `shape` names what must be laid out anew: the scope and the grouping. */
export const useLayout = (graph: Graph | undefined, shape: string): Layout | undefined => {
  const [result, setResult] = useState<Layout>();
  const worker = useRef<Worker>(undefined);
  const asked = useRef(0);
  const kept = useRef<Kept>({ shape: '', positions: {}, centres: {} });

  useEffect(() => {
    const made = new Worker(new URL('./layout.worker.ts', import.meta.url));
    worker.current = made;
    return () => {
      made.terminate();
      worker.current = undefined;
    };
  }, []);

  const key =
    graph && JSON.stringify([graph.nodes.map(node => node.id + node.cluster), graph.edges.map(edge => edge.id)]);
  const latest = useRef(graph);
  useEffect(() => {
    latest.current = graph;
  });
  useEffect(() => {
    const current = latest.current;
    const made = worker.current;
    if (!current || !made) {
      return undefined;
    }
    const id = ++asked.current;
    const old = kept.current;
    const isSame = old.shape === shape;
    const input: LayoutInput = {
      nodes: current.nodes.map(node => ({ id: node.id, cluster: node.cluster })),
      edges: current.edges.map(({ source, target }) => ({ source, target })),
      known: isSame ? old.positions : {},
      // Stepping in, a node of the wider scope becomes a group of the narrower one, at the same place.
      centres: isSame ? old.centres : { ...old.centres, ...old.positions },
      aspect: DEFAULT_ASPECT
    };
    const receive = (event: MessageEvent<{ id: number; output: LayoutOutput }>) => {
      if (event.data.id === id && id === asked.current) {
        const { output } = event.data;
        kept.current = {
          shape,
          positions: isSame ? { ...old.positions, ...output.positions } : output.positions,
          centres: isSame ? { ...old.centres, ...output.centres } : output.centres
        };
        setResult({ ...output, shape });
      }
    };
    made.addEventListener('message', receive);
    made.postMessage({ id, input });
    return () => made.removeEventListener('message', receive);
  }, [key, shape]);

  return result;
};
