import { describe, expect, it, test } from 'vitest';
import { errorText, queryString } from '../../src/api/client';
import type { StreamsAnswer } from '../../src/api/types';
import { calculate, fullName, sortFlows } from '../../src/model/columns';
import { flowsFromAnswer, mergeReporters, newestAge, totalsOf, type Flow } from '../../src/model/flow';
import {
  formatAgo,
  formatEnd,
  formatMetric,
  formatMs,
  formatSeconds,
  formatSi,
  formatWithin
} from '../../src/model/format';
import { hintFor } from '../../src/model/hints';
import { PortNames } from '../../src/model/reference';
import { DEFAULT_RANGE, moveRange, rangeFromUrl, stepOf } from '../../src/model/time';
import { stateFromUrl, urlFromState } from '../../src/model/url-state';
import { config } from './config';

const flow = (fields: Partial<Flow>): Flow => ({ _id: JSON.stringify(fields), ...fields });

describe('numbers are written with SI units', () => {
  test.each([
    [formatSi(0, 'B'), '0 B'],
    [formatSi(999, 'B'), '999 B'],
    [formatSi(0.12), '0.1'],
    [formatSi(0.0483), '0.048'],
    [formatSi(0.0002, 'Bps'), '< 0.001 Bps'],
    [formatSi(999.99, 'B'), '1 kB'],
    [formatSi(1_536_000, 'Bps'), '1.5 MBps'],
    [formatMetric(1_536_000, 'Bytes', 'rate'), '1.5 MBps'],
    [formatMetric(12, 'TimeFlowRttNs', 'avg'), '12 ms'],
    [formatMs(0.0005), '500 ns'],
    [formatMs(0.4), '400 µs'],
    [formatMs(34), '34 ms'],
    [formatMs(1500), '1.5 s'],
    [formatSeconds(3723), '1h 2m'],
    [formatSeconds(86_400), '1d'],
    [formatAgo(0, 65_000), '1m 05s']
  ])('%s is %s', (text, expected) => expect(text).toBe(expected));
});

describe('times have their year where it may be another', () => {
  const [JUNE_2024, JUNE_2026, DAY] = [Date.UTC(2024, 5, 15, 12), Date.UTC(2026, 5, 15, 12), 86_400];
  test.each<[what: string, text: string, hasYear: boolean]>([
    ['in a range of years', formatWithin(JUNE_2024, 730 * DAY), true],
    ['not in a range of days', formatWithin(JUNE_2024, 7 * DAY), false],
    ['at the end of a range of years', formatEnd(JUNE_2026, 730 * DAY, JUNE_2026), true],
    ['at the end of a range of another year', formatEnd(JUNE_2024, DAY, JUNE_2026), true],
    ['not at the end of a range of this year', formatEnd(JUNE_2026, DAY, JUNE_2026), false]
  ])('%s', (_what, text, hasYear) => expect(/20\d\d/.test(text)).toBe(hasYear));
});

describe('time ranges', () => {
  test.each([
    [60, 15],
    [300, 15],
    [900, 45],
    [3600, 180],
    [86_400, 4320]
  ])('%i s have a point every %i s', (seconds, step) => {
    expect(stepOf({ kind: 'relative', seconds })).toBe(step);
  });

  test.each([
    ['timeRange=900', { kind: 'relative', seconds: 900 }],
    ['startTime=100&endTime=200', { kind: 'absolute', start: 100, end: 200 }],
    ['startTime=100&endTime=200&timeRange=60', { kind: 'relative', seconds: 60 }],
    ['startTime=200&endTime=100', DEFAULT_RANGE],
    ['startTime=100&endTime=99999999999', DEFAULT_RANGE],
    ['timeRange=soon', DEFAULT_RANGE]
  ])('%s', (search, range) => expect(rangeFromUrl(new URLSearchParams(search))).toEqual(range));

  it('move by their own width and never past now', () => {
    expect(moveRange({ kind: 'relative', seconds: 100 }, -1, 1000)).toEqual({ kind: 'absolute', start: 800, end: 900 });
    expect(moveRange({ kind: 'absolute', start: 850, end: 950 }, 1, 1000)).toEqual({
      kind: 'absolute',
      start: 900,
      end: 1000
    });
  });
});

describe('the address bar is the state', () => {
  const defaults = { filters: [], scopes: ['address', 'subnet'], view: 'overview' as const, isKnownFilter: () => true };
  test.each([
    '?view=table&filters=dst_port%3D443&timeRange=900&scope=subnet',
    '?view=topology&filters=&match=any&startTime=1&endTime=60&limit=50&scope=address&type=Packets&function=max',
    '?view=table&filters=protocol%3D6&off=dst_port%3D443%3Bsrc_port%21%3D53&timeRange=900&scope=subnet'
  ])('%s survives a round trip', search => {
    expect(urlFromState(stateFromUrl(search, defaults))).toBe(search);
  });

  it('keeps filters that are switched off, switched off', () => {
    expect(stateFromUrl('?filters=protocol%3D6&off=dst_port%3D443', defaults).filters).toEqual([
      { id: 'protocol', compare: '=', values: ['6'] },
      { id: 'dst_port', compare: '=', values: ['443'], off: true }
    ]);
  });

  test.each([
    [['subnet', 'address'], 'address'],
    [['cluster', 'namespace', 'address'], 'namespace'],
    [['subnet'], 'subnet'],
    [[], '']
  ])('of the scopes %j it begins with %j', (scopes, scope) => {
    expect(stateFromUrl('', { ...defaults, scopes }).scope).toBe(scope);
  });

  it('replaces nonsense by the defaults', () => {
    const state = stateFromUrl('?view=x&match=y&limit=-3&scope=z&type=t', defaults);
    expect(state).toMatchObject({ view: 'overview', match: 'all', limit: 0, scope: 'address', metricType: 'Bytes' });
  });
});

describe('flows', () => {
  const answer = (values: [string, string][]): StreamsAnswer => ({
    resultType: 'streams',
    result: [{ stream: { app: 'netobserv-flowcollector', SrcPort: '80' }, values }],
    stats: { numQueries: 1, totalEntries: 1, duplicates: 0, limitReached: false, dataSources: [], queriesStats: [] },
    unixTimestamp: 0
  });

  it('have the fields of their line over the labels of their stream, and skip foreign lines', () => {
    const flows = flowsFromAnswer(
      answer([
        ['1', '{"Bytes":5}'],
        ['2', 'not json']
      ]),
      config.fields
    );
    expect(flows).toEqual([{ _id: '1{"Bytes":5}', app: 'netobserv-flowcollector', SrcPort: 80, Bytes: 5 }]);
    expect(totalsOf(flows)).toEqual({ flows: 1, bytes: 5, packets: 0 });
  });

  it('seen by two reporters are shown once, with what only one of them knew', () => {
    const ends = { SrcAddr: '10.0.0.1', SrcPort: 80, DstAddr: '10.0.0.2', DstPort: 90, Proto: 6 };
    const merged = mergeReporters([
      flow({ ...ends, AgentIP: '10.9.0.1', FlowDirection: '1', Interfaces: ['eth0'], IfDirections: [1] }),
      flow({ ...ends, AgentIP: '10.9.0.2', FlowDirection: '0', Interfaces: ['eth1'], IfDirections: [0], DnsId: 7 })
    ]);
    expect(merged).toHaveLength(1);
    expect(merged[0]).toMatchObject({
      FlowDirection: '0',
      DnsId: 7,
      Interfaces: ['eth0', 'eth1'],
      IfDirections: [1, 0]
    });
  });

  // One connection over two interfaces, or over two generations of the kernel's map, has rows of both directions.
  it.each<[agents: [string?, string?], directions: [string?, string?]]>([
    [
      ['10.9.0.1', '10.9.0.1'],
      ['0', '1']
    ],
    [[], ['0', '1']],
    [['10.9.0.1'], ['0', '1']],
    [
      ['10.9.0.1', '10.9.0.2'],
      ['1', '1']
    ],
    [[], []]
  ])('of agents %j in directions %j have one reporter, and all stay', (agents, directions) => {
    const ends = { SrcAddr: '10.0.0.1', SrcPort: 80, DstAddr: '10.0.0.2', DstPort: 90, Proto: 6 };
    const flows = [100, 20].map((Bytes, index) =>
      flow({ ...ends, Bytes, AgentIP: agents[index], FlowDirection: directions[index] })
    );
    expect(mergeReporters(flows)).toEqual(flows);
  });
});

describe('calculated columns', () => {
  const pod = flow({
    SrcK8S_Type: 'Pod',
    SrcK8S_Namespace: 'shop',
    SrcK8S_Name: 'web',
    SrcAddr: '10.0.0.1',
    SrcPort: 80
  });
  const byId = (id: string) => config.columns.find(column => column.id === id)!;
  test.each([
    ['SrcObject', pod, { kind: 'Pod', namespace: 'shop', name: 'web' }],
    ['SrcObject', flow({ SrcAddr: '10.0.0.1', SrcPort: 80 }), '10.0.0.1:80'],
    ['FlowDuration', flow({ TimeFlowStartMs: 5, TimeFlowEndMs: 12 }), 7],
    ['Addr', flow({ SrcAddr: 'a', DstAddr: 'b' }), ['a', 'b']]
  ])('%s', (id, of, expected) => {
    expect(calculate(byId(id).calculated!, of, config.columns)).toEqual(expected);
  });

  it('are named with their group where the name alone says too little', () => {
    expect(fullName(byId('SrcAddr'))).toBe('Source IP');
    expect(fullName(byId('SrcSubnetLabel'))).toBe('Source subnet label');
    expect(fullName(byId('Bytes'))).toBe('Bytes');
  });
});

describe('sorting', () => {
  const ports = new PortNames(config.portNaming);
  const sorted = (id: string, isDescending: boolean, flows: Flow[], field: string) =>
    sortFlows(flows, { id, isDescending }, config.columns, ports).map(each => each[field]);
  it('orders addresses by their numbers', () => {
    const flows = ['10.0.0.10', '10.0.0.9', '9.0.0.1'].map(SrcAddr => flow({ SrcAddr }));
    expect(sorted('SrcAddr', false, flows, 'SrcAddr')).toEqual(['9.0.0.1', '10.0.0.9', '10.0.0.10']);
  });
  it('puts known ports first, and what is missing last in both directions', () => {
    const flows = [flow({}), flow({ SrcPort: 40_000 }), flow({ SrcPort: 443 }), flow({ SrcPort: 81 })];
    expect(sorted('SrcPort', false, flows, 'SrcPort')).toEqual([443, 81, 40_000, undefined]);
    expect(sorted('SrcPort', true, flows, 'SrcPort')).toEqual([40_000, 81, 443, undefined]);
  });
});

describe('errors say what to do', () => {
  it('reads every text of a JSON body', () => {
    expect(errorText('{"message":"no","code":3}', 400)).toBe('no');
    expect(errorText('{"promDisabledMetrics":"x"}', 400)).toBe('promDisabledMetrics: x');
    expect(errorText('user not an admin', 401)).toBe('user not an admin');
    expect(errorText('', 401)).toBe('status code 401');
    const refused = 'Error from Loki query: [504] Loki message: context deadline exceeded: ask for less';
    for (const message of [refused, `Loki query failed: ${refused}`]) {
      expect(errorText(JSON.stringify({ message }), 400)).toBe('context deadline exceeded: ask for less');
    }
  });
  test.each([
    ['Network Error', 'cannot be reached'],
    ['status code 403', 'permissions'],
    ['max entries limit', 'Lower the limit'],
    ['something else', 'log of the back end']
  ])('%s', (text, hint) => expect(hintFor(text)).toContain(hint));
});

it('leaves out parameters without a value', () => {
  expect(queryString({ a: 1, b: undefined, c: '', d: 'x&y' })).toBe('a=1&d=x%26y');
});

test.each([
  [[], undefined],
  [[{ TimeFlowEndMs: 4000 }, { TimeFlowEndMs: 7000 }], 3000],
  [[{ TimeFlowEndMs: 12_000 }], 0]
])('the newest of %j is %j ms old', (flows, age) => {
  expect(newestAge(flows as unknown as Flow[], 10_000)).toBe(age);
});
