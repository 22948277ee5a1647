//! Positions for a graph, computed in a worker and kept across refreshes. Who: `TopologyPage`.
//! **Invariant:** the last picture stays until the next has its positions; an outdated answer is dropped. The worker is
//! told of the nodes in the picture alone, and those that left it are remembered up to `PLACES_MAX`.
import { useEffect, useRef, useState } from 'react';
import { Newest } from '../../model/newest';
import type { LayoutInput, LayoutOutput, Point } from './layout';
import type { Picture } from './use-topology';

export interface Layout extends LayoutOutput {
  /** What stands at these positions. */
  picture: Picture;
  /** Which graph this is a picture of; another one is a reason to fit the view. */
  shape: string;
}

/** Nodes, and as many clusters, whose places are remembered: those of the last few pictures of `NODES_MAX`. */
export const PLACES_MAX = 2000;

interface Kept {
  shape: string;
  positions: Newest<Point>;
  centres: Newest<Point>;
}

const nothingKept = (shape: string): Kept => ({
  shape,
  positions: new Newest(PLACES_MAX),
  centres: new Newest(PLACES_MAX)
});

const keep = (places: Newest<Point>, added: Record<string, Point>): void =>
  Object.entries(added).forEach(([id, place]) => places.set(id, place));

export interface LayoutState {
  layout?: Layout;
  /** The worker did not start or broke: there will be no drawing, though the list needs none. */
  failure?: Error;
}

const DEFAULT_ASPECT = 1.9;

const keyOf = (picture: Picture | undefined): string | undefined =>
  picture &&
  JSON.stringify([picture.graph.nodes.map(node => node.id + node.cluster), picture.graph.edges.map(edge => edge.id)]);

/** `shape` names what must be laid out anew: the scope and the grouping. */
export const useLayout = (picture: Picture | undefined, shape: string): LayoutState => {
  const [result, setResult] = useState<Layout>();
  const [failure, setFailure] = useState<Error>();
  const worker = useRef<Worker>(undefined);
  const asked = useRef(0);
  const kept = useRef<Kept>(undefined);

  useEffect(() => {
    const made = new Worker(new URL('./layout.worker.ts', import.meta.url));
    worker.current = made;
    const fail = (event: Event) =>
      setFailure(
        new Error((event as Partial<ErrorEvent>).message || 'The program that places the nodes did not start')
      );
    made.addEventListener('error', fail);
    made.addEventListener('messageerror', fail);
    return () => {
      made.terminate();
      worker.current = undefined;
    };
  }, []);

  const key = keyOf(picture);
  const latest = useRef(picture);
  useEffect(() => {
    latest.current = picture;
  });
  useEffect(() => {
    const current = latest.current;
    const made = worker.current;
    if (!current || !made) {
      return undefined;
    }
    const id = ++asked.current;
    const old = kept.current ?? nothingKept(shape);
    const isSame = old.shape === shape;
    const clusters = [...new Set(current.graph.nodes.map(node => node.cluster))];
    const centres = old.centres.among(clusters);
    const input: LayoutInput = {
      nodes: current.graph.nodes.map(node => ({ id: node.id, cluster: node.cluster })),
      edges: current.graph.edges.map(({ source, target }) => ({ source, target })),
      known: isSame ? old.positions.among(current.graph.nodes.map(node => node.id)) : {},
      // Stepping in, a node of the wider scope becomes a group of the narrower one, at the same place.
      centres: isSame ? centres : { ...centres, ...old.positions.among(clusters) },
      aspect: DEFAULT_ASPECT
    };
    const receive = (event: MessageEvent<{ id: number; output: LayoutOutput }>) => {
      if (event.data.id === id && id === asked.current) {
        const { output } = event.data;
        kept.current = isSame ? old : nothingKept(shape);
        keep(kept.current.positions, output.positions);
        keep(kept.current.centres, output.centres);
        setResult({ ...output, picture: current, shape });
      }
    };
    made.addEventListener('message', receive);
    made.postMessage({ id, input });
    return () => made.removeEventListener('message', receive);
  }, [key, shape]);

  // The same nodes and edges with new values stand where they stood; others wait for their positions.
  const isSame = result?.shape === shape && keyOf(result.picture) === key;
  return { layout: isSame && picture ? { ...result, picture } : result, failure };
};
