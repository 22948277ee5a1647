import { describe, expect, it } from 'vitest';
import { changeText } from '../../src/components/charts/BarList';
import { HEAT_LEVELS, heatScale } from '../../src/components/charts/heat';
import { sparkPaths } from '../../src/components/charts/Sparkline';
import { alignTo, changeOf, mean, rank, stack } from '../../src/components/charts/stack';
import { labelsOf, settled, type MetricData } from '../../src/hooks/use-metrics';
import { statsOf } from '../../src/model/series';
import { averages, counts, servicePorts } from '../../src/pages/overview/fields';
import { dropRatio, isUnusual } from '../../src/pages/overview/usual';
import { config } from './config';

const TIMES = [100, 115, 130];

const setOf = (series: Record<string, { metric?: Record<string, string>; values: (number | null)[] }>): MetricData => ({
  times: TIMES,
  spec: { type: 'Bytes', fn: 'rate', by: 'app' },
  span: { start: 100, end: 130 },
  step: 15,
  isLimitReached: false,
  series: Object.entries(series).map(([id, { metric = {}, values }]) => ({
    id,
    name: id,
    metric,
    values,
    stats: statsOf(TIMES, values)
  }))
});

describe('the top of a metric', () => {
  const set = setOf({
    small: { values: [1, 1, 1] },
    large: { values: [10, 20, 30] },
    middle: { values: [5, 5, 5] },
    nothing: { values: [0, 0, 0] }
  });

  it('is what is largest, and the rest of the known total is "others"', () => {
    const total = setOf({ app: { values: [20, 30, 40] } });
    const { top, others } = rank(set, total, 2);
    expect(top.map(each => each.id)).toEqual(['large', 'middle']);
    expect(others).toEqual([5, 5, 5]);
  });

  it('never adds up to more than its total', () => {
    const total = setOf({ app: { values: [1, 1, 1] } });
    const ranked = rank(set, total, 5);
    expect(ranked.total).toEqual([16, 26, 36]);
    expect(ranked.others).toBeUndefined();
    expect(ranked.top.map(each => each.id)).not.toContain('nothing');
  });

  it('is stacked so that the highest outline is the total', () => {
    const { top, others, total } = rank(set, undefined, 2);
    const heights = stack([...top.map(each => each.values), ...(others ? [others] : [])]);
    expect(heights.at(-1)).toEqual(total);
  });

  it('finds a total whose points begin elsewhere', () => {
    const later = { times: [115, 130, 145] };
    expect(alignTo(TIMES, later, [1, 2, 3])).toEqual([null, 1, 2]);
  });
});

describe('changes and averages', () => {
  it('has no change where nothing was before', () => {
    expect(changeOf(5, undefined)).toBeUndefined();
    expect(changeOf(5, 0)).toBeUndefined();
    expect(changeOf(15, 10)).toBe(0.5);
  });

  it.each([
    [0.001, '±0 %'],
    [0.5, '▲ 50 %'],
    [-0.25, '▼ 25 %'],
    [19, '▲ ×20']
  ])('says a change of %d as %s', (change, text) => expect(changeText(change)).toBe(text));

  it('does not count gaps', () => {
    expect(mean([null, 4, 8])).toBe(6);
    expect(mean([])).toBe(0);
  });

  it('is red only when large and far above the time before', () => {
    expect(isUnusual(30, 10, 20, 2)).toBe(true);
    expect(isUnusual(15, 1, 20, 2)).toBe(false);
    expect(isUnusual(30, 20, 20, 2)).toBe(false);
    expect(isUnusual(30, undefined, 20, 2)).toBe(false);
  });

  it('takes drops as a share of all packets', () => {
    expect(dropRatio([1, null, 0], [3, 4, 0])).toEqual([0.25, 0, null]);
  });
});

describe('sums by a field', () => {
  it('adds both ways of a service port and leaves random ports out', () => {
    const source = setOf({
      a: { metric: { SrcPort: '443' }, values: [3, 3, 3] },
      b: { metric: { SrcPort: '51000' }, values: [9, 9, 9] },
      c: { metric: { SrcPort: '33000' }, values: [1, 1, 1] }
    });
    const target = setOf({ d: { metric: { DstPort: '443' }, values: [1, 1, 1] } });
    expect(servicePorts(source, target, port => port === 33_000)).toEqual([
      { value: '443', amount: 4 },
      { value: '33000', amount: 1 }
    ]);
  });

  it('averages rates and adds counts', () => {
    const set = setOf({
      a: { metric: { Proto: '6' }, values: [2, 4, 6] },
      b: { metric: { Proto: '' }, values: [1, 1, 1] }
    });
    expect(averages(set, 'Proto')).toEqual([{ value: '6', amount: 4 }]);
    expect(counts(set, 'Proto')).toEqual([{ value: '6', amount: 12 }]);
  });
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
    expect(sparkPaths([1, null, 2]).line).toBe('M0.0 18.0L200.0 3.0');
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

  it('leaves out points whose flows are still on their way', () => {
    const answer = {
      resultType: 'matrix',
      result: [
        {
          metric: {},
          values: [
            [980, '1'],
            [995, '2']
          ] as [number, string][]
        }
      ],
      stats: {
        numQueries: 1,
        totalEntries: 0,
        duplicates: 0,
        limitReached: false,
        dataSources: ['loki'],
        queriesStats: []
      },
      unixTimestamp: 1000
    };
    expect(settled(answer).result[0]!.values).toEqual([[980, '1']]);
  });
});
