//! Flows of the last minutes in charts and sums of long ranges, as somebody sees them who has just started everything.
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { loadMetric } from '../../src/hooks/use-metrics';
import type { PageModel } from '../../src/hooks/use-page';
import type { Translate } from '../../src/hooks/use-text';
import { FilterFields } from '../../src/model/filters';
import { pointsOf, SETTLE_SECONDS, type TimeRange } from '../../src/model/time';
import { config } from './config';
import { stats } from './stats';

const NOW = 1_700_000_007;
const DAY = 86_400;
/** One flow a second of so many bytes. */
const BYTES = 100;

const fields = new FilterFields(config.columns, config.filters);
const pageOf = (range: TimeRange) =>
  ({
    config,
    fields,
    query: { filters: '' },
    now: () => NOW,
    state: { range }
  }) as never as PageModel;

/** Answers as the back end does: a sample at `t` is over the time before it, and exists only if a flow is in there. */
const answerOf = (since: number, until: number) => (address: string) => {
  const params = new URL(address, 'http://page').searchParams;
  const number = (key: string) => Number.parseInt(params.get(key)!, 10);
  const [first, end, step, width] = ['startTime', 'endTime', 'step', 'rateInterval'].map(number) as [
    number,
    number,
    number,
    number
  ];
  const values: [number, string][] = [];
  for (let time = first; time <= end; time += step) {
    const flows = Math.min(time, until) - Math.max(time - width, since);
    if (flows > 0) {
      values.push([time, String((flows * BYTES) / width)]);
    }
  }
  const result = values.length ? [{ metric: { app: 'x' }, values }] : [];
  return Promise.resolve(new Response(JSON.stringify({ resultType: 'matrix', result, stats, unixTimestamp: NOW })));
};

const load = (seconds: number, since: number, until = NOW) => {
  vi.stubGlobal('fetch', vi.fn(answerOf(since, until)));
  const range = { kind: 'relative' as const, seconds };
  const spec = { type: 'Bytes', fn: 'rate', by: 'app' };
  return loadMetric(pageOf(range), range, spec, (text => text) as Translate, new AbortController().signal);
};

beforeEach(() => void vi.useFakeTimers({ now: NOW * 1000 }));
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const RANGES = [300, 900, 3600, 21_600, 43_200, DAY, 604_800];

describe('five minutes of flows', () => {
  test.each(RANGES)('are in the chart of the last %i s, its last point included', async seconds => {
    const { times, series } = await load(seconds, NOW - 300);
    expect(series).toHaveLength(1);
    expect(series[0]!.values.at(-1)).toBeGreaterThan(0);
    expect(NOW - times.at(-1)!).toBeLessThan(SETTLE_SECONDS + 15);
  });

  it('count in the average of a day with all their bytes that are settled', async () => {
    const { series, times } = await load(DAY, NOW - 300);
    const settled = times.at(-1)! - (NOW - 300);
    expect(series[0]!.stats.avg * DAY).toBeCloseTo(settled * BYTES, -3);
  });
});

describe('a range that is clipped to its data', () => {
  const clipped = (since: number, until: number) => {
    vi.stubGlobal('fetch', vi.fn(answerOf(since, until)));
    const [asked, known] = [3600, 185].map(seconds => ({ kind: 'relative' as const, seconds }));
    const spec = { type: 'Bytes', fn: 'rate', by: 'app' };
    const signal = new AbortController().signal;
    return loadMetric(pageOf(asked!), known!, spec, (text => text) as Translate, signal);
  };

  it('has no rise at the beginning of a steady flow', async () => {
    const { series, times } = await clipped(NOW - 195, NOW);
    expect(times).toHaveLength(12);
    expect(new Set(series[0]!.values)).toEqual(new Set([BYTES]));
  });

  it('has what nothing came after', async () => {
    const { series, times } = await clipped(NOW - 195, NOW - 192);
    expect(times).toHaveLength(13);
    expect(series[0]!.values[0]).toBeGreaterThan(0);
  });
});

it('has no fall at the end of a steady flow', async () => {
  const { series } = await load(DAY, 0);
  expect(new Set(series[0]!.values)).toEqual(new Set([BYTES]));
});

it('shows a burst in the steps it was in, at its full height', async () => {
  const { times, step } = await load(300, 0);
  const { series } = await load(300, times[9]!, times[9]! + step);
  expect(series[0]!.values.filter(value => value! > 0)).toEqual([BYTES]);
  expect(series[0]!.values[10]).toBe(BYTES);
});

describe('points', () => {
  test.each<[what: string, range: TimeRange, step: number, dataEnd: number, start: number, end: number]>([
    ['end where the data does', { kind: 'relative', seconds: 300 }, 15, 990, 690, 990],
    ['stay where they are until the next', { kind: 'relative', seconds: 300 }, 15, 1004, 690, 990],
    ['of long steps do not wait for the next', { kind: 'relative', seconds: DAY }, 4320, 99_990, 13_590, 99_990],
    ['of a fixed range end with it', { kind: 'absolute', start: 1001, end: 1101 }, 15, 1101, 996, 1101]
  ])('%s', (_what, range, step, dataEnd, start, end) => expect(pointsOf(range, step, dataEnd)).toEqual({ start, end }));
});
