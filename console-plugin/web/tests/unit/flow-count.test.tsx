import { renderHook } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import { PageProvider } from '../../src/hooks/use-page';
import { useFlowCount } from '../../src/pages/flows/use-flow-count';
import { config } from './config';

afterEach(() => vi.unstubAllGlobals());

test.each<[what: string, loaded: number | undefined, count: number | undefined, asked: number]>([
  ['more than the table has', 500, 1200, 1],
  ['no more than the table has: the youngest are not counted', 1500, undefined, 1],
  ['not asked where the table has all', undefined, undefined, 0]
])('the flows that fit are %s', async (_what, loaded, count, asked) => {
  const fetched = vi.fn((address: string) => {
    const end = Number(new URL(address, 'http://page').searchParams.get('endTime'));
    const result = [{ metric: { app: 'x' }, values: [[end, '1200']] }];
    return Promise.resolve(new Response(JSON.stringify({ resultType: 'matrix', result, stats: {} })));
  });
  vi.stubGlobal('fetch', fetched);
  history.replaceState(null, '', '?filters=&timeRange=300');
  const { result, unmount } = renderHook(() => useFlowCount(loaded), {
    wrapper: ({ children }) => <PageProvider config={config}>{children}</PageProvider>
  });
  await vi.waitFor(() => expect(fetched).toHaveBeenCalledTimes(asked));
  await vi.waitFor(() => expect(result.current).toBe(count));
  unmount();
});
