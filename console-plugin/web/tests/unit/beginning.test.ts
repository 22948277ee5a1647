import { describe, expect, test } from 'vitest';
import type { MatrixAnswer } from '../../src/api/types';
import { beginningOf, probeOf } from '../../src/model/beginning';

const answer = (values: [number, string][]): MatrixAnswer => ({
  resultType: 'matrix',
  result: values.length ? [{ metric: { app: 'x' }, values }] : [],
  stats: { numQueries: 1, totalEntries: 0, duplicates: 0, limitReached: false, dataSources: [], queriesStats: [] },
  unixTimestamp: 0
});

describe('the data of a range begins', () => {
  test.each<[what: string, points: [number, string][], beginning: number | undefined]>([
    ['nowhere, if there is none', [], undefined],
    [
      'before it, if something was recorded then',
      [
        [900, '1'],
        [1200, '4']
      ],
      undefined
    ],
    ['before it, if its first second has flows', [[1001, '1']], undefined],
    [
      'with its first flows',
      [
        [1200, '4'],
        [1201, '2']
      ],
      1199
    ],
    [
      'not with points of nothing',
      [
        [900, '0'],
        [1200, '4']
      ],
      1199
    ]
  ])('%s', (_what, points, beginning) => {
    expect(beginningOf(answer(points), 1, 1000)).toBe(beginning);
  });

  test.each([
    [300, { start: 691, end: 1290, step: 1 }, 1300],
    [86_400, { start: 9990 + 150, end: 99_990, step: 150 }, 100_000]
  ])('a range of %i s is looked at together with a while before it', (seconds, probe, now) => {
    expect(probeOf({ kind: 'relative', seconds }, now)).toEqual(probe);
  });
});
