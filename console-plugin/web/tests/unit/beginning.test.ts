import { describe, expect, it, test, vi } from 'vitest';
import type { MatrixAnswer } from '../../src/api/types';
import { findBeginning, firstBucket, knownPart, probeOf, type Probe } from '../../src/model/beginning';
import type { TimeRange } from '../../src/model/time';
import { stats } from './stats';

const answer = (values: [number, string][]): MatrixAnswer => ({
  resultType: 'matrix',
  result: values.length ? [{ metric: { app: 'x' }, values }] : [],
  stats,
  unixTimestamp: 0
});

/** A back end that stores one flow a second from a time on: a point is of the step before it. */
const stored = (since: number, stepMin = 1) =>
  vi.fn(({ start, end, step }: Probe) => {
    const values: [number, string][] = [];
    for (let time = start; time <= end && step >= stepMin; time += step) {
      values.push([time, time > since ? '1' : '0']);
    }
    return Promise.resolve(answer(values));
  });

describe('the data of a range begins', () => {
  test.each<[what: string, points: [number, string][], bucket: object | undefined]>([
    ['nowhere, if there is none', [], undefined],
    [
      'with its first flows',
      [
        [1200, '4'],
        [1210, '2']
      ],
      { start: 1190, end: 1200 }
    ],
    [
      'not with points of nothing',
      [
        [900, '0'],
        [1200, '4']
      ],
      { start: 1190, end: 1200 }
    ]
  ])('%s', (_what, points, bucket) => expect(firstBucket(answer(points), 10)).toEqual(bucket));

  const NOW = 1_700_000_000;
  const BEGUN = NOW - 200;
  test.each([300, 900, 86_400, 604_800, 3 * 31_536_000])(
    'at the same second, whatever the range: %i s',
    async seconds => {
      const ask = stored(BEGUN);
      expect(await findBeginning({ kind: 'relative', seconds }, NOW, ask)).toBe(BEGUN);
      expect(ask.mock.calls.length).toBeLessThanOrEqual(3);
    }
  );

  it('never before there is data, where only long steps are known', async () => {
    const began = await findBeginning({ kind: 'relative', seconds: 604_800 }, NOW, stored(BEGUN, 60));
    expect(began).toBeGreaterThanOrEqual(BEGUN);
  });

  it('before it, if something was recorded then', async () => {
    const ask = stored(NOW - 320);
    expect(await findBeginning({ kind: 'relative', seconds: 300 }, NOW, ask)).toBeUndefined();
    expect(ask).toHaveBeenCalledTimes(1);
  });

  test.each([
    [300, { start: 691, end: 1290, step: 1 }, 1300],
    [86_400, { start: 9990 + 150, end: 99_990, step: 150 }, 100_000]
  ])('a range of %i s is looked at together with a while before it', (seconds, probe, now) => {
    expect(probeOf({ kind: 'relative', seconds }, now)).toEqual(probe);
  });
});

describe('the part of a range that can have data', () => {
  const NOW = 10_000;
  const hour: TimeRange = { kind: 'relative', seconds: 3600 };
  const past: TimeRange = { kind: 'absolute', start: 8000, end: 9000 };
  test.each<[what: string, range: TimeRange, began: number | undefined, part: TimeRange]>([
    ['is all of it where no beginning is known', hour, undefined, hour],
    ['is all of it where the data begins before', hour, 5000, hour],
    ['begins with the data', hour, 9810, { kind: 'relative', seconds: 180 }],
    ['has a least width', hour, 9989, { kind: 'relative', seconds: 10 }],
    ['of fixed times begins with the data', past, 8400, { kind: 'absolute', start: 8400, end: 9000 }],
    [
      'ends where flows may still be on their way, if it would end later than now',
      { kind: 'absolute', start: 9000, end: 20_000 },
      undefined,
      { kind: 'absolute', start: 9000, end: 9990 }
    ],
    [
      'is all of it in time to come',
      { kind: 'absolute', start: 11_000, end: 12_000 },
      undefined,
      { kind: 'absolute', start: 11_000, end: 12_000 }
    ]
  ])('%s', (_what, range, began, part) => expect(knownPart(range, began, NOW)).toEqual(part));
});
