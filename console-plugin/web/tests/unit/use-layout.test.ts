import { act, renderHook } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import { useLayout } from '../../src/pages/topology/use-layout';

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
