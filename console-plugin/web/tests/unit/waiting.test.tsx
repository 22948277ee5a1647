import { act, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { NothingFound, WAITING_MS } from '../../src/components/StateViews';
import { CopyProvider } from '../../src/hooks/use-copy';
import { FactsProvider } from '../../src/hooks/use-facts';
import { PageProvider, usePage } from '../../src/hooks/use-page';
import { writeSetting } from '../../src/hooks/use-settings';
import OverviewPage from '../../src/pages/overview/OverviewPage';
import TopologyPage from '../../src/pages/topology/TopologyPage';
import { config } from './config';

const Tick = () => <output data-testid="ticks">{usePage().tick}</output>;

/** Answers without numbers; the newest flow, if there is one, is so old. */
const answers = (ageMs?: number) => (address: string) => {
  const line = JSON.stringify({ TimeFlowEndMs: Date.now() - (ageMs ?? 0) });
  const stats = { limitReached: false };
  const body = address.includes('/records')
    ? { resultType: 'streams', result: ageMs === undefined ? [] : [{ stream: {}, values: [['1', line]] }], stats }
    : address.includes('/metrics')
      ? { resultType: 'matrix', result: [], stats }
      : address.includes('/losses')
        ? { components: [], intervals: [], losses: [], neverSeen: [], unaccounted: [] }
        : { loki: { isEnabled: true, isReady: true } };
  return Promise.resolve(new Response(JSON.stringify(body)));
};

const open = (search: string, View: React.ComponentType = NothingFound) => {
  history.replaceState(null, '', search);
  const { unmount } = render(
    <PageProvider config={config}>
      <FactsProvider>
        <CopyProvider>
          <View />
        </CopyProvider>
        <Tick />
      </FactsProvider>
    </PageProvider>
  );
  return { unmount, ticks: () => Number(screen.getByTestId('ticks').textContent) };
};
const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

const REFRESH_MS = 60_000;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('fetch', answers());
  // Nothing is laid out where there is no node.
  vi.stubGlobal(
    'Worker',
    class extends EventTarget {
      postMessage() {}
      terminate() {}
    }
  );
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

test.each<[view: string, page: React.ComponentType, ages: number]>([
  ['overview', OverviewPage, 3000],
  ['topology', TopologyPage, 20_000],
  ['table', NothingFound, 3000]
])('in the %s, flows too young for numbers are said to arrive, whatever the filters', async (view, View, ageMs) => {
  vi.stubGlobal('fetch', answers(ageMs));
  const page = open(`?view=${view}&filters=port%3D53&timeRange=300`, View);
  const words: string[] = [];
  const watch = new MutationObserver(() => words.push(document.body.textContent ?? ''));
  watch.observe(document.body, { childList: true, subtree: true, characterData: true });
  await vi.waitFor(() => screen.getByText('The first flows are arriving'));
  const before = page.ticks();
  await pass(2 * WAITING_MS);
  watch.disconnect();
  expect(page.ticks() - before).toBe(2);
  expect(screen.queryAllByText('The first flows are arriving')).toHaveLength(1);
  expect(screen.queryAllByText('Clear all filters')).toHaveLength(0);
  expect(screen.queryAllByText('Look at the flows')).toHaveLength(view === 'table' ? 0 : 1);
  expect(words.filter(each => each.includes('No flows found'))).toEqual([]);
  page.unmount();
});

test('flows old enough for numbers, which do not fit, are none that arrive', async () => {
  vi.stubGlobal('fetch', answers(60_000));
  const page = open('?filters=&timeRange=300');
  await pass(WAITING_MS);
  expect(screen.queryAllByText('No flows found')).toHaveLength(1);
  page.unmount();
});
