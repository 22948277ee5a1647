import { describe, expect, it } from 'vitest';
import { changeText } from '../../src/components/charts/BarList';
import { HEAT_LEVELS, heatScale } from '../../src/components/charts/heat';
import { sparkPaths } from '../../src/components/charts/Sparkline';
import { alignTo, changeOf, lonePoints, rank, stack } from '../../src/components/charts/stack';
import { labelsOf, type MetricData } from '../../src/hooks/use-metrics';
import { seriesId, statsOf } from '../../src/model/series';
import { completed } from '../../src/model/top';
import { wholeFromAnswer, type Whole } from '../../src/model/whole';
import { servicePorts, sumsOf } from '../../src/pages/overview/fields';
import { dropRatio, isUnusual } from '../../src/pages/overview/usual';
import { config } from './config';

const TIMES = [100, 115, 130];

const setOf = (series: Record<string, { metric?: Record<string, string>; values: (number | null)[] }>): MetricData => ({
  times: TIMES,
  spec: { type: 'Bytes', fn: 'rate', by: 'app' },
  step: 15,
  isLimitReached: false,
  series: Object.entries(series).map(([id, { metric = {}, values }]) => ({
    id,
    name: id,
    metric,
    values,
    stats: statsOf(values)
  }))
});

const LABELS = ['SrcAddr', 'DstAddr'];
const pairOf = (pair: string) => {
  const [SrcAddr = '', DstAddr = ''] = pair.split(' → ');
  return { SrcAddr, DstAddr };
};
const wholeOf = (values: Record<string, number>, isLimitReached = false): Whole => ({
  values: new Map(Object.entries(values).map(([id, now]) => [id, { metric: {}, now }])),
  isLimitReached
});

describe('the top of a metric', () => {
  const set = setOf({
    small: { values: [1, 1, 1] },
    large: { values: [10, 20, 30] },
    middle: { values: [5, 5, 5] },
    nothing: { values: [0, 0, 0] }
  });
  const whole = wholeOf({ small: 1, large: 20, middle: 5, nothing: 0 });

  it('is what is largest, and the rest of the known total is "others"', () => {
    const total = setOf({ app: { values: [20, 30, 40] } });
    const { top, others } = rank({ set, whole }, total, 2);
    expect(top.map(each => each.id)).toEqual(['large', 'middle']);
    expect(others).toEqual([5, 5, 5]);
  });

  it('does not fall where the total has no point yet', () => {
    const total = setOf({ app: { values: [20, 30, null] } });
    expect(rank({ set, whole }, total, 1)).toMatchObject({ total: [20, 30, null], others: [10, 10, null] });
  });

  it('is of the whole range for a latency, with gaps where no step knows it', () => {
    const [slow] = completed({ ...setOf({}), series: [] }, wholeOf({ '': 90 }), LABELS, 'Unknown', null);
    expect(slow).toMatchObject({ whole: 90, values: [null, null, null] });
  });

  it('never adds up to more than its total', () => {
    const total = setOf({ app: { values: [1, 1, 1] } });
    const ranked = rank({ set, whole }, total, 5);
    expect(ranked.total).toEqual([16, 26, 36]);
    expect(ranked.others).toBeUndefined();
    expect(ranked.top.map(each => each.id)).not.toContain('nothing');
  });

  it('is stacked so that the highest outline is the total', () => {
    const { top, others, total } = rank({ set, whole }, undefined, 2);
    const heights = stack([...top.map(each => each.values), ...(others ? [others] : [])]);
    expect(heights.at(-1)).toEqual(total);
  });

  it('leaves a rest where the whole list was cut', () => {
    const total = setOf({ app: { values: [20, 30, 40] } });
    const cut = wholeOf({ large: 20, middle: 5, small: 1 }, true);
    expect(rank({ set, whole: cut }, total, 5).others).toEqual([4, 4, 4]);
  });

  // One step is settled a minute after the start; the busiest pair began after it.
  it('is that of the whole range while a single step is settled', () => {
    const metrics = ['10.0.0.1 → 10.0.0.2', '10.0.0.3 → 10.0.0.4'].map(pairOf);
    const [early, late] = metrics.map(seriesId) as [string, string];
    const step: MetricData = { ...setOf({ [early]: { metric: metrics[0], values: [7] } }), times: [100] };
    const whole: Whole = {
      values: new Map([
        [early, { metric: metrics[0]!, now: 1 }],
        [late, { metric: metrics[1]!, now: 90 }]
      ]),
      isLimitReached: false
    };
    const series = completed(step, whole, LABELS, 'Unknown', 0);
    const { top, others } = rank({ set: { ...step, series }, whole }, undefined, 1);
    expect(top.map(({ name, values }) => [name, values])).toEqual([['10.0.0.3 → 10.0.0.4', [0]]]);
    expect(top[0]!.source?.labels).toEqual({ Addr: '10.0.0.3' });
    expect(others).toEqual([7]);
  });

  it('finds a total whose points begin elsewhere', () => {
    const later = { times: [115, 130, 145] };
    expect(alignTo(TIMES, later, [1, 2, 3])).toEqual([null, 1, 2]);
  });
});

describe('changes', () => {
  it('has no change where nothing was before', () => {
    expect(changeOf(5, undefined)).toBeUndefined();
    expect(changeOf(undefined, 5)).toBeUndefined();
    expect(changeOf(0, 0)).toBeUndefined();
    expect(changeOf(5, 0)).toBe('new');
    expect(changeOf(15, 10)).toBe(0.5);
  });

  it.each([
    [0.001, '±0 %'],
    [0.5, '▲ 50 %'],
    [-0.25, '▼ 25 %'],
    [19, '▲ ×20']
  ])('says a change of %d as %s', (change, text) => expect(changeText(change)).toBe(text));

  it('is red only when large and far above the time before', () => {
    expect(isUnusual(30, 10, { from: 20, times: 2 })).toBe(true);
    expect(isUnusual(15, 1, { from: 20, times: 2 })).toBe(false);
    expect(isUnusual(30, 20, { from: 20, times: 2 })).toBe(false);
    expect(isUnusual(30, undefined, { from: 20, times: 2 })).toBe(false);
  });

  it('takes drops as a share of all packets', () => {
    expect(dropRatio([1, null, 0], [3, 4, 0])).toEqual([0.25, 0, null]);
  });
});

it('a value between gaps is a point, since no line reaches it', () => {
  expect(lonePoints([1, null, 2, null, 3, 4, null, undefined, 5])).toEqual([0, 2, 8]);
  expect(lonePoints([1, 2])).toEqual([]);
});

describe('sums by a field', () => {
  const sumsOfField = (field: string, amounts: Record<string, number>): Whole => ({
    values: new Map(Object.entries(amounts).map(([value, now]) => [value, { metric: { [field]: value }, now }])),
    isLimitReached: false
  });

  it('adds both ways of a service port and leaves random ports out', () => {
    const source = sumsOfField('SrcPort', { 443: 3, 51000: 9, 33000: 1 });
    const target = sumsOfField('DstPort', { 443: 1 });
    const none = sumsOfField('SrcPort', {});
    expect(servicePorts(source, target, none, port => port === 33_000)).toEqual([
      { value: '443', amount: 4 },
      { value: '33000', amount: 1 }
    ]);
  });

  it('counts a flow between two service ports once', () => {
    const source = sumsOfField('SrcPort', { 123: 10, 443: 2 });
    const target = sumsOfField('DstPort', { 123: 9, 443: 5 });
    const between = sumsOfField('SrcPort', { 123: 8 });
    expect(servicePorts(source, target, between, () => false)).toEqual([
      { value: '123', amount: 11 },
      { value: '443', amount: 7 }
    ]);
  });

  it('has the largest first, and none without a value', () => {
    expect(sumsOf(sumsOfField('Proto', { 6: 12, 17: 40, '': 1, 1: 0 }), 'Proto')).toEqual([
      { value: '17', amount: 40 },
      { value: '6', amount: 12 }
    ]);
  });
});

it('reads a range and the one before it from the ends of both', () => {
  const answer = {
    result: [
      {
        metric: { a: 'both' },
        values: [
          [100, '4'],
          [400, '6']
        ] as [number, string][]
      },
      { metric: { a: 'new' }, values: [[400, '1']] as [number, string][] },
      {
        metric: { a: 'gone' },
        values: [
          [100, '2'],
          [250, '9']
        ] as [number, string][]
      }
    ],
    resultType: 'matrix',
    stats: { dataSources: [], duplicates: 0, limitReached: true, numQueries: 1, queriesStats: [], totalEntries: 0 },
    unixTimestamp: 400
  };
  const whole = wholeFromAnswer(answer, 400, 100);
  expect([...whole.values.values()].map(({ metric, now, before }) => [metric.a, now, before])).toEqual([
    ['both', 6, 4],
    ['new', 1, undefined],
    ['gone', undefined, 2]
  ]);
  expect(whole.isLimitReached).toBe(true);
});

describe('the heat strip', () => {
  it('puts all rows on one logarithmic scale', () => {
    const level = heatScale([
      [1, 1000],
      [30, null]
    ]);
    expect([1, 30, 1000].map(level)).toEqual([0, 2, HEAT_LEVELS - 1]);
    expect(level(null)).toBeUndefined();
  });

  it('is calm when everything is equal', () => expect(heatScale([[7, 7]])(7)).toBe(0));
});

describe('a sparkline', () => {
  it('bridges gaps and needs two points', () => {
    expect(sparkPaths([1, 2, null, 2]).line).toBe('M0.0 18.0L66.7 3.0M200.0 3.0h0');
    expect(sparkPaths([1]).line).toBe('');
  });
});

describe('a metric request', () => {
  it('knows the labels of scopes, groups, built-in keys and fields', () => {
    const scopes = [
      { id: 'address', name: 'Address', labels: ['SrcAddr', 'DstAddr'] },
      { id: 'subnet', name: 'Subnet', labels: ['SrcSubnetLabel', 'DstSubnetLabel'] }
    ];
    const of = (by: string, groups?: string) => labelsOf({ ...config, scopes }, by, groups);
    expect(of('address', 'subnets')).toEqual(['SrcAddr', 'DstAddr', 'SrcSubnetLabel', 'DstSubnetLabel']);
    expect(of('dnsRCode')).toEqual(['DnsFlagsResponseCode']);
    expect(of('Proto')).toEqual(['Proto']);
  });
});
