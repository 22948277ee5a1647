import { act, renderHook } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import type { LayoutInput } from '../../src/pages/topology/layout';
import { PLACES_MAX, useLayout } from '../../src/pages/topology/use-layout';
import type { Picture } from '../../src/pages/topology/use-topology';

class BrokenWorker extends EventTarget {
  static last: BrokenWorker;
  constructor() {
    super();
    BrokenWorker.last = this;
  }
  postMessage() {}
  terminate() {}
}

afterEach(() => vi.unstubAllGlobals());

test.each([
  [new ErrorEvent('error', { message: 'no such file' }), 'no such file'],
  [new Event('error'), 'did not start'],
  [new MessageEvent('messageerror'), 'did not start']
])('a worker that does not place the nodes is told, and not waited for', (event, reason) => {
  vi.stubGlobal('Worker', BrokenWorker);
  const { result, unmount } = renderHook(() => useLayout(undefined, ''));
  expect(result.current.failure).toBeUndefined();
  act(() => void BrokenWorker.last.dispatchEvent(event));
  expect(result.current.failure?.message).toContain(reason);
  unmount();
});

/** Puts every node and every cluster at one place, and shows what it was told. */
class PlacingWorker extends EventTarget {
  static told: LayoutInput;
  postMessage({ id, input }: { id: number; input: LayoutInput }) {
    PlacingWorker.told = input;
    const at = (ids: string[]) => Object.fromEntries(ids.map(each => [each, { x: 1, y: 2 }]));
    const clusters = at(input.nodes.map(node => node.cluster));
    const output = { positions: at(input.nodes.map(node => node.id)), boxes: clusters, centres: clusters };
    this.dispatchEvent(new MessageEvent('message', { data: { id, output } }));
  }
  terminate() {}
}

const NODES = 250;

/** Each has nodes and clusters of its own. */
const picture = (number: number): Picture => {
  const nodes = Array.from({ length: NODES }, (_, index) => ({
    id: `10.0.${number}.${index}`,
    cluster: `net ${number} ${index % 2}`
  }));
  return { graph: { nodes, edges: [] } } as unknown as Picture;
};

test('places are told of the nodes in the picture, and kept of the last pictures', () => {
  vi.stubGlobal('Worker', PlacingWorker);
  const { rerender, unmount } = renderHook(({ number, shape }) => useLayout(picture(number), shape), {
    initialProps: { number: 0, shape: 'address' }
  });
  const show = (number: number, shape = 'address') => {
    rerender({ number, shape });
    const { known, centres } = PlacingWorker.told;
    return [Object.keys(known).length, Object.keys(centres).length];
  };
  const PICTURES = PLACES_MAX / NODES;
  for (let number = 1; number <= PICTURES; number++) {
    expect(show(number)).toEqual([0, 0]);
  }
  // Clusters are few, and remembered longer.
  expect(show(0)).toEqual([0, 2]);
  expect(show(PICTURES)).toEqual([NODES, 2]);
  expect(show(PICTURES, 'subnet')).toEqual([0, 2]);
  expect(show(PICTURES - 1, 'subnet')).toEqual([0, 0]);
  unmount();
});
