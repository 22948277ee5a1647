import { act, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { NothingFound, WAITING_MS } from '../../src/components/StateViews';
import { PageProvider, usePage } from '../../src/hooks/use-page';
import { writeSetting } from '../../src/hooks/use-settings';
import { config } from './config';

const Tick = () => <output>{usePage().tick}</output>;

const open = (search: string, isArriving = false) => {
  history.replaceState(null, '', search);
  const { unmount } = render(
    <PageProvider config={config}>
      <NothingFound isArriving={isArriving} />
      <Tick />
    </PageProvider>
  );
  return { unmount, ticks: () => Number(screen.getByRole('status').textContent) };
};
const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

const REFRESH_MS = 60_000;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('{"loki":{"isEnabled":true,"isReady":true}}')));
  writeSetting('netflow-traffic-refresh', REFRESH_MS);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test.each<[what: string, search: string, ticks: number]>([
  ['without a filter, up to now', '?filters=&timeRange=300', 5],
  ['with a filter that is off', '?filters=&off=port%3D53&timeRange=300', 5],
  ['with a filter', '?filters=port%3D53&timeRange=300', 0],
  ['with a choice of drops', '?filters=&packetLoss=dropped&timeRange=300', 0],
  ['of a range that is over', '?filters=&startTime=1000&endTime=2000', 0]
])('where nothing is found is looked again at once: %s', async (_what, search, ticks) => {
  const page = open(search);
  await pass(5 * WAITING_MS);
  expect(page.ticks()).toBe(ticks);
  expect(screen.queryAllByText(/The page looks again every 2 sec/)).toHaveLength(ticks ? 1 : 0);
  page.unmount();
});

test('nothing is looked for when refresh is off, or nobody looks', async () => {
  writeSetting('netflow-traffic-refresh', 0);
  const off = open('?filters=&timeRange=300');
  await pass(5 * WAITING_MS);
  expect(off.ticks()).toBe(0);
  off.unmount();

  writeSetting('netflow-traffic-refresh', REFRESH_MS);
  const hidden = vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
  const page = open('?filters=&timeRange=300');
  await pass(REFRESH_MS + WAITING_MS);
  expect(page.ticks()).toBe(0);
  hidden.mockReturnValue(false);
  await pass(WAITING_MS);
  expect(page.ticks()).toBe(1);
  page.unmount();
});

test('flows too young for numbers are said to arrive, and looked for again whatever the filters', async () => {
  const page = open('?filters=port%3D53&timeRange=300', true);
  await pass(2 * WAITING_MS);
  expect(page.ticks()).toBe(2);
  expect(screen.queryAllByText('The first flows are arriving')).toHaveLength(1);
  expect(screen.queryAllByText('Clear all filters')).toHaveLength(0);
  page.unmount();
});
