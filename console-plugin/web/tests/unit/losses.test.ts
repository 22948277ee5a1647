import { describe, expect, it, test } from 'vitest';
import type { Losses, Unit } from '../../src/api/types';
import { gapsOf, isNothingMissing, missingIn, missingOf, within } from '../../src/model/losses';

const report = (part: Partial<Losses>): Losses => ({
  components: ['ebpf-agent', 'flowlogs-pipeline'],
  intervals: [],
  losses: [],
  neverSeen: [],
  unaccounted: [],
  ...part
});
const gap = (from: number, to: number, component = 'ebpf-agent') => ({ component, from: from * 1000, to: to * 1000 });
const loss = (cause: string, amount: number, unit: Unit = 'records') => ({
  component: 'ebpf-agent',
  cause,
  amount,
  unit
});
const lost = (from: number, to: number, amount = 3, cause = 'map full') => ({
  ...gap(from, to),
  cause,
  amount,
  unit: 'records' as const
});

describe('what is missing', () => {
  test.each<[what: string, part: Partial<Losses>, missing: object]>([
    ['nothing', {}, { lost: [], causes: [], neverSeen: [], gapSeconds: 0 }],
    [
      'each unit for itself, the most frequent cause first',
      { losses: [loss('send', 2), loss('map full', 9, 'packets'), loss('queue full', 40), loss('none', 0)] },
      {
        lost: [
          { amount: 9, unit: 'packets' },
          { amount: 42, unit: 'records' }
        ],
        causes: [loss('queue full', 40), loss('map full', 9, 'packets'), loss('send', 2)]
      }
    ],
    [
      'time, once for components that were silent together',
      { unaccounted: [gap(10, 30), gap(20, 40, 'flowlogs-pipeline'), gap(50, 60)] },
      { gapSeconds: 40 }
    ],
    [
      'a component that never answered, which is no gap and no loss',
      { neverSeen: [{ component: 'ebpf-agent', since: 5, isStarting: false }] },
      { lost: [], gapSeconds: 0, neverSeen: ['ebpf-agent'], starting: [] }
    ],
    [
      'nothing of one that may just be coming up',
      { neverSeen: [{ component: 'flowlogs-pipeline', since: 5, isStarting: true }] },
      { lost: [], gapSeconds: 0, neverSeen: [], starting: ['flowlogs-pipeline'] }
    ]
  ])('%s', (_what, part, missing) => expect(missingOf(report(part))).toMatchObject(missing));

  it('is nothing only when all three are', () => {
    expect(isNothingMissing(missingOf(report({})))).toBe(true);
    expect(
      isNothingMissing(missingOf(report({ neverSeen: [{ component: 'ebpf-agent', since: 5, isStarting: false }] })))
    ).toBe(false);
    const starting = { component: 'ebpf-agent', since: 5, isStarting: true };
    expect(isNothingMissing(missingOf(report({ neverSeen: [starting] })))).toBe(true);
    expect(isNothingMissing(missingOf(report({ unaccounted: [gap(1, 2)] })))).toBe(false);
    expect(isNothingMissing(missingOf(report({ losses: [loss('send', 1)] })))).toBe(false);
  });

  it('counts of a gap only what lies in the range', () => {
    const cut = within(report({ unaccounted: [gap(0, 120), gap(150, 400), gap(500, 600)] }), { start: 100, end: 200 });
    expect(cut.unaccounted).toEqual([gap(100, 120), gap(150, 200)]);
  });

  it('marks of a loss only the time in the range, and nothing for a back end that tells no times', () => {
    const cut = within(report({ intervals: [lost(90, 105), lost(10, 25)] }), { start: 100, end: 200 });
    expect(cut.intervals).toEqual([lost(100, 105)]);
    const old = { ...report({}), intervals: undefined } as unknown as Losses;
    expect(within(old, { start: 100, end: 200 }).intervals).toEqual([]);
  });

  const timed = report({
    intervals: [lost(0, 15), lost(15, 30, 5), lost(15, 30, 9, 'queue full'), lost(60, 75)],
    unaccounted: [gap(30, 45), gap(30, 60, 'flowlogs-pipeline'), gap(40, 50)]
  });
  test.each<[what: string, from: number, to: number, lost: object[], silent: string[]]>([
    ['by each cause, the most first', 20, 20, [loss('queue full', 9), loss('map full', 5)], []],
    ['summed over what lies under the pointer', 10, 16, [loss('queue full', 9), loss('map full', 8)], []],
    ['apart from who was silent, each once', 42, 44, [], ['ebpf-agent', 'flowlogs-pipeline']],
    ['nowhere else', 80, 90, [], []]
  ])('is told at a time: %s', (_what, from, to, lost, silent) =>
    expect(missingIn(timed, from * 1000, to * 1000)).toEqual({ lost, silent })
  );
});

describe('times nobody can account for', () => {
  test.each<[what: string, gaps: ReturnType<typeof gap>[], lines: object[]]>([
    [
      'are one for components that were silent together, whatever their order',
      [gap(20, 40, 'flowlogs-pipeline'), gap(10, 30), gap(25, 35)],
      [{ from: 10_000, to: 40_000, components: ['ebpf-agent', 'flowlogs-pipeline'] }]
    ],
    [
      'are told apart where all were there between them, the newest first',
      [gap(10, 20), gap(30, 40)],
      [
        { from: 30_000, to: 40_000, components: ['ebpf-agent'] },
        { from: 10_000, to: 20_000, components: ['ebpf-agent'] }
      ]
    ]
  ])('%s', (_what, unaccounted, lines) => expect(gapsOf(report({ unaccounted }))).toEqual(lines));
});
