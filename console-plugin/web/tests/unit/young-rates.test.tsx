//! Rates of a range in which the data begins, as somebody sees them who has just installed everything.
import { act, cleanup, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest';
import type { Losses } from '../../src/api/types';
import { FactsProvider } from '../../src/hooks/use-facts';
import { useMetric } from '../../src/hooks/use-metrics';
import { PageProvider, usePage } from '../../src/hooks/use-page';
import { SharedQuestion } from '../../src/hooks/shared-question';
import { useEarlier, useWhole } from '../../src/hooks/use-whole';
import { totalOf } from '../../src/model/whole';
import { config } from './config';

/** The points of a chart end here, but for what is still on its way. */
const NOW = 1_700_000_005;
/** Of each second since the data begins. */
const BYTES = 100;
const RATE = { type: 'Bytes', fn: 'rate', by: 'app' };

const Figures = () => {
  const whole = useWhole(RATE);
  const points = useMetric(RATE);
  const earlier = useEarlier();
  const { refresh } = usePage();
  const known = points.data?.series[0];
  return (
    <>
      <output data-testid="whole">{whole.data && Math.round(totalOf(whole.data)?.now ?? 0)}</output>
      <output data-testid="seconds">{whole.data?.seconds}</output>
      <output data-testid="average">{known && Math.round(known.stats.avg)}</output>
      <output data-testid="points">{points.data?.times.length}</output>
      <output data-testid="earlier">{earlier}</output>
      <button type="button" onClick={refresh} />
    </>
  );
};

const backEnd = (began: number, unaccounted: Losses['unaccounted'], asked: URLSearchParams[]) => (address: string) => {
  const { pathname, searchParams } = new URL(address, 'http://page');
  const stats = { numQueries: 1, limitReached: false };
  const body = () => {
    if (!pathname.endsWith('/metrics')) {
      return pathname.endsWith('/losses')
        ? { components: ['ebpf-agent'], intervals: [], losses: [], neverSeen: [], unaccounted }
        : pathname.endsWith('/status')
          ? { loki: { isEnabled: true, isReady: true } }
          : { resultType: 'streams', result: [], stats };
    }
    asked.push(searchParams);
    const number = (key: string) => Number.parseInt(searchParams.get(key)!, 10);
    const values: [number, string][] = [];
    for (let time = number('startTime'); time <= number('endTime'); time += number('step')) {
      const seconds = Math.min(time, NOW) - Math.max(time - number('rateInterval'), began);
      if (seconds > 0) {
        const isRate = searchParams.get('function') === 'rate';
        values.push([time, String(isRate ? (seconds * BYTES) / number('rateInterval') : seconds)]);
      }
    }
    return { resultType: 'matrix', result: values.length ? [{ metric: { app: 'x' }, values }] : [], stats };
  };
  return Promise.resolve(new Response(JSON.stringify(body())));
};

const open = (search: string, began: number, unaccounted: Losses['unaccounted'] = []) => {
  const asked: URLSearchParams[] = [];
  vi.stubGlobal('fetch', vi.fn(backEnd(began, unaccounted, asked)));
  history.replaceState(null, '', search);
  render(
    <PageProvider config={config}>
      <FactsProvider>
        <Figures />
      </FactsProvider>
    </PageProvider>
  );
  return { asked, of: (id: string) => screen.getByTestId(id).textContent ?? '' };
};

beforeEach(() => void vi.useFakeTimers({ now: NOW * 1000, toFake: ['Date'] }));
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const GAP = { component: 'ebpf-agent', from: (NOW - 900) * 1000, to: (NOW - 190) * 1000 };

test.each<[what: string, search: string, began: number, gaps: Losses['unaccounted'], figures: Record<string, string>]>([
  [
    'in which the data begins is divided by the time since then',
    '?filters=&timeRange=3600',
    NOW - 190,
    [],
    { whole: '100', seconds: '180', average: '100', points: '12', earlier: 'none' }
  ],
  [
    'with earlier data is divided by all of it',
    '?filters=&timeRange=3600',
    NOW - 20_000,
    [],
    { whole: '100', seconds: '3600', average: '100', points: '20', earlier: 'recorded' }
  ],
  [
    'of fixed times in which the data begins is divided by the time since then',
    `?filters=&startTime=${NOW - 4000}&endTime=${NOW - 1000}`,
    NOW - 2000,
    [],
    { whole: '100', seconds: '1000', earlier: 'none' }
  ],
  [
    'that ends in time to come is divided by the time until now',
    `?filters=&startTime=${NOW - 610}&endTime=${NOW + 86_400}`,
    NOW - 20_000,
    [],
    { whole: '100', seconds: '600', earlier: 'recorded' }
  ],
  [
    'in which flows begin again after a gap is divided by all of it',
    '?filters=&timeRange=3600',
    NOW - 190,
    [GAP],
    { whole: '5', seconds: '3600', earlier: 'none' }
  ]
])('the rate of a range %s', async (_what, search, began, gaps, figures) => {
  const { of } = open(search, began, gaps);
  for (const [id, text] of Object.entries(figures)) {
    await vi.waitFor(() => expect([id, of(id)]).toEqual([id, text]));
  }
  expect(location.search).toContain(search.slice('?filters='.length));
});

describe('when the data begins', () => {
  const refresh = async (asked: URLSearchParams[]) => {
    asked.length = 0;
    act(() => screen.getByRole('button').click());
    const ready = () => expect(asked.filter(each => each.get('function') === 'rate')).toHaveLength(2);
    await vi.waitFor(ready);
    return asked.filter(each => each.get('function') === 'count').length;
  };

  it('is looked for once while it lies within the range, and each figure asked once', async () => {
    const { asked, of } = open('?filters=&timeRange=3600', NOW - 190);
    await vi.waitFor(() => expect(of('whole')).toBe('100'));
    await vi.waitFor(() => expect(of('average')).toBe('100'));
    expect(await refresh(asked)).toBe(0);
  });

  it('is looked for in one question, beside the one for earlier data, where it is before the range', async () => {
    const { asked, of } = open('?filters=&timeRange=3600', NOW - 20_000);
    await vi.waitFor(() => expect(of('earlier')).toBe('recorded'));
    expect(asked.filter(each => each.get('function') === 'rate')).toHaveLength(2);
    expect(await refresh(asked)).toBe(2);
  });
});

describe('a shared question', () => {
  const never = () => new Promise<string>(() => {});
  it('is asked once a refresh, and not again while it is on its way', async () => {
    const question = new SharedQuestion<string>();
    const load = vi.fn(() => Promise.resolve('a'));
    await Promise.all([question.ask('k', 1, load), question.ask('k', 1, load)]);
    expect(load).toHaveBeenCalledTimes(1);
    await question.ask('k', 2, load);
    expect(load).toHaveBeenCalledTimes(2);
    const slow = vi.fn(never);
    void question.ask('k', 3, slow);
    void question.ask('k', 4, slow);
    expect(slow).toHaveBeenCalledTimes(1);
  });

  it('ends where another one is asked', () => {
    const question = new SharedQuestion<string>();
    let signal: AbortSignal | undefined;
    void question.ask('k', 1, asked => {
      signal = asked;
      return never();
    });
    void question.ask('other', 1, never);
    expect(signal?.aborted).toBe(true);
  });
});
