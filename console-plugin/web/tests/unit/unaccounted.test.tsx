//! Time that nobody can account for, as somebody sees it who has restarted the agent: it is never time without traffic.
import { fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest';
import type { Losses } from '../../src/api/types';
import { Summary } from '../../src/components/Summary';
import { stack } from '../../src/components/charts/stack';
import { CopyProvider } from '../../src/hooks/use-copy';
import { FactsProvider } from '../../src/hooks/use-facts';
import { PageProvider } from '../../src/hooks/use-page';
import { lastKnown, withGaps } from '../../src/model/gaps';
import { statsOf } from '../../src/model/series';
import OverviewPage from '../../src/pages/overview/OverviewPage';
import { config } from './config';
import { stats } from './stats';

const NOW = 1_700_000_000;
const gap = (from: number, to: number, component = 'ebpf-agent') => ({ component, from: from * 1000, to: to * 1000 });
const report = (part: Partial<Losses>): Losses => ({
  components: ['ebpf-agent'],
  intervals: [],
  losses: [],
  neverSeen: [],
  unaccounted: [],
  ...part
});

describe('a step without data', () => {
  const values = [5, 0, 0, 7];
  const set = {
    times: [15, 30, 45, 60],
    step: 15,
    isLimitReached: false,
    series: [{ id: 'a', name: 'a', metric: {}, values, stats: statsOf(values) }]
  };
  const lost = { ...gap(20, 28), cause: 'map full', amount: 3, unit: 'records' as const };
  test.each<[what: string, losses: Losses | undefined, values: (number | null)[]]>([
    ['is zero where everybody is accounted for', report({}), [5, 0, 0, 7]],
    ['is zero where nobody tells', undefined, [5, 0, 0, 7]],
    [
      'is not known in a gap, and what was recorded then stays',
      report({ unaccounted: [gap(10, 31)] }),
      [5, null, null, 7]
    ],
    ['is zero beside a gap', report({ unaccounted: [gap(45, 60)] }), [5, 0, 0, 7]],
    ['is not known where records were lost', report({ intervals: [lost] }), [5, null, 0, 7]]
  ])('%s', (_what, losses, expected) => {
    const [series] = withGaps(set, losses).series;
    expect(series!.values).toEqual(expected);
    expect(series!.stats.avg).toBe(statsOf(values).avg);
    expect(series!.stats.min).toBe(Math.min(...expected.filter(value => value !== null)));
  });

  const AFTER = report({ unaccounted: [gap(45, 90)] });
  test.each<[what: string, values: number[], losses: Losses, isNowUnknown: boolean, last: number | undefined]>([
    ['the last one', [5, 0, 7, 2], report({}), false, 3],
    ['one without traffic that everybody is accounted for', [5, 0, 7, 0], report({}), false, 3],
    ['the one before a gap', [5, 0, 7, 0], AFTER, false, 2],
    ['the one in which a gap began, with what was recorded', [5, 0, 7, 1], AFTER, false, 3],
    ['the last one with data, where nobody knows of now', [5, 0, 0, 0], report({}), true, 0],
    ['none', [0, 0, 0, 0], report({ unaccounted: [gap(0, 90)] }), false, undefined]
  ])('is not the latest: that is %s', (_what, points, losses, isNowUnknown, last) => {
    const of = { ...set, series: [{ ...set.series[0]!, values: points }] };
    expect(lastKnown(withGaps(of, losses), isNowUnknown)).toBe(last);
  });

  it('is a gap of the stack, not its ground', () => {
    expect(
      stack([
        [1, null, 0],
        [2, null, null]
      ])
    ).toEqual([
      [1, null, 0],
      [3, null, 0]
    ]);
  });
});

/** Flows from `since` to `until`, and what was lost; a point is of the step before it. */
const backEnd =
  (losses: Losses, since: number, until: number, newestMs = 0) =>
  (address: string) => {
    const params = new URL(address, 'http://page').searchParams;
    const number = (key: string) => Number.parseInt(params.get(key)!, 10);
    const body = () => {
      if (address.includes('/losses')) {
        return losses;
      }
      if (address.includes('/status')) {
        return { loki: { isEnabled: true, isReady: true } };
      }
      if (address.includes('/records')) {
        const line = JSON.stringify({ TimeFlowEndMs: NOW * 1000 - newestMs });
        return { resultType: 'streams', result: [{ stream: {}, values: [['1', line]] }], stats };
      }
      const values: [number, string][] = [];
      for (let time = number('startTime'); time <= number('endTime'); time += number('step')) {
        const seconds = Math.min(time, until) - Math.max(time - number('step'), since);
        if (seconds > 0) {
          values.push([time, String(seconds)]);
        }
      }
      const metric = { [params.get('aggregateBy')!]: 'x' };
      return { resultType: 'matrix', result: values.length ? [{ metric, values }] : [], stats, unixTimestamp: NOW };
    };
    return Promise.resolve(new Response(JSON.stringify(body())));
  };

const open = (losses: Losses, since: number, until: number, newestMs = 0) => {
  vi.stubGlobal('fetch', vi.fn(backEnd(losses, NOW + since, NOW + until, newestMs)));
  history.replaceState(null, '', '?filters=&timeRange=300');
  const { unmount } = render(
    <PageProvider config={config}>
      <FactsProvider>
        <CopyProvider>
          <OverviewPage />
          <Summary items={[]} />
        </CopyProvider>
      </FactsProvider>
    </PageProvider>
  );
  return { unmount, tile: () => screen.getByRole('region', { name: 'Throughput' }).textContent ?? '' };
};

beforeEach(() => {
  localStorage.clear();
  vi.useFakeTimers({ now: NOW * 1000, toFake: ['Date'] });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const AGENT_GONE = report({ unaccounted: [gap(NOW - 100, NOW)] });
const AGENT_WAS_GONE = report({ unaccounted: [gap(NOW - 500, NOW - 200)] });

test.each<
  [what: string, losses: Losses, since: number, until: number, newestMs: number, words: string[], not: string[]]
>([
  ['the last step of which is not accounted for', AGENT_GONE, -4000, -100, 100_000, ['now –', 'partial'], ['now 0']],
  ['that is accounted for and quiet now', report({}), -4000, -100, 100_000, ['now 0 Bps'], ['partial']],
  [
    'whose newest flow is old, while nobody counts losses',
    report({ components: [] }),
    -4000,
    -100,
    100_000,
    ['now –'],
    ['now 0']
  ],
  [
    'after a gap, before which flows were stored',
    AGENT_WAS_GONE,
    -200,
    0,
    0,
    ['time before not accounted for'],
    ['since', 'none before', 'no earlier data']
  ],
  ['that begins within it', report({}), -200, 0, 0, ['since'], ['none before', 'not accounted']]
])('the tile of a range %s', async (_what, losses, since, until, newestMs, words, not) => {
  const { tile, unmount } = open(losses, since, until, newestMs);
  await vi.waitFor(() => words.forEach(word => expect(tile()).toContain(word)));
  not.forEach(word => expect(tile()).not.toContain(word));
  unmount();
});

it('restarts again and again are a short list, the newest first', async () => {
  const components = ['ebpf-agent', 'flowlogs-pipeline', 'plugin-backend'];
  const restarts = Array.from({ length: 10 }, (_, index) => NOW - 20 - index * 20);
  const unaccounted = restarts.flatMap(at => components.map(component => gap(at, at + 0.4, component)));
  const { unmount } = open(report({ unaccounted }), -4000, 0);
  fireEvent.click(await screen.findByRole('button', { name: /not accounted for/ }));
  const lines = [...(await screen.findByRole('list', { name: 'What is missing' })).children].map(
    line => line.textContent ?? ''
  );
  expect(lines).toHaveLength(9);
  expect(lines[0]).toContain(components.join(', '));
  expect(lines[0]).not.toContain(' – ');
  expect(lines[0]!.slice(0, 8) > lines[1]!.slice(0, 8)).toBe(true);
  expect(lines[8]).toBe('and 2 more');
  unmount();
});
