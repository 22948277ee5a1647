import { describe, expect, it } from 'vitest';
import { FilterFields } from '../../src/model/filters';
import { addAll, pairOfPeers, peerFilters, replaceAll, valueFilters } from '../../src/model/peer-filters';
import { statsOf, type Peer, type Series, type SeriesSet } from '../../src/model/series';
import { focusOf } from '../../src/pages/topology/focus';
import { bendOf, boundsOf, edgeWidth, isBusy, neighbour, shorten } from '../../src/pages/topology/geometry';
import {
  OPEN_NODES_MAX,
  buildGraph,
  groupLabels,
  groupTypes,
  resolveGroup,
  valueBy,
  type GraphOptions,
  type StatisticsOf
} from '../../src/pages/topology/graph';
import { placeLabels } from '../../src/pages/topology/labels';
import { layout, type LayoutInput } from '../../src/pages/topology/layout';
import { slowLimit } from '../../src/pages/topology/quality';
import { EDGES_ALWAYS, EDGES_MAX, withoutSmall } from '../../src/pages/topology/small';
import { separate } from '../../src/pages/topology/separate';
import { config } from './config';

const SCOPES = [
  { id: 'subnet', name: 'Subnet', labels: ['SrcSubnetLabel', 'DstSubnetLabel'], stepInto: 'address' },
  { id: 'address', name: 'Address', labels: ['SrcAddr', 'DstAddr'], groups: ['subnets', 'zones'] }
];
const TIMES = [0, 15, 30];

const peer = (address: string, subnet = ''): Peer => ({
  id: `${address}|${subnet}`,
  name: address,
  detail: subnet || undefined,
  labels: { Addr: address, SubnetLabel: subnet }
});

/** Of so much on average; no two of its statistics are equal. */
const series = (source: Peer, target: Peer, average: number): Series => {
  const values = [average * 1.5, average / 4, average * 1.25];
  return {
    id: `${source.id}>${target.id}`,
    name: '',
    source,
    target,
    metric: {},
    values,
    stats: statsOf(values)
  };
};

/** A latency over the whole range; each of its steps was faster. */
const latency = (source: Peer, target: Peer, whole: number): Series => ({
  ...series(source, target, whole / 10),
  whole
});

const setOf = (list: Series[]): SeriesSet => ({ times: TIMES, series: list, isLimitReached: false });

const AMOUNT = { isTime: false, seconds: 45, latest: 2 };
const OPTIONS: GraphOptions = {
  nodesMax: 300,
  groupLabels: ['SubnetLabel'],
  chosen: new Map(),
  valueOf: valueBy('avg', AMOUNT),
  isTime: false,
  names: { unknown: 'Unknown', others: 'Others', noGroup: 'Elsewhere' }
};

const [a, b, c] = [peer('10.0.0.1', 'lan'), peer('10.0.0.2', 'lan'), peer('192.0.2.9')];

describe('what is too small to be drawn', () => {
  const star = (values: number[], quality = {}) =>
    withoutSmall(
      buildGraph(setOf(values.map((value, index) => series(a, peer(`10.9.${index}.1`), value))), quality, {
        ...OPTIONS,
        groupLabels: []
      })
    );
  const large = new Array<number>(EDGES_ALWAYS).fill(100);

  it('is left out with the nodes that have nothing else, and counted', () => {
    const { graph, small } = star([...large, 30, 1, 2, 7, 40]);
    expect(small).toEqual({ edges: 3, nodes: 3, share: 10 / 1280 });
    expect(graph.edges).toHaveLength(EDGES_ALWAYS + 2);
    expect(graph.nodes).toHaveLength(EDGES_ALWAYS + 3);
  });

  it('is nothing in a graph of few connections, however different they are', () => {
    expect(star([1e9, 1, 1, 1]).small).toBeUndefined();
  });

  it('is what is beyond the limit of a drawing, whatever its share', () => {
    const { graph, small } = withoutSmall(
      buildGraph(
        setOf(
          Array.from({ length: EDGES_MAX + 20 }, (_, index) =>
            series(peer(`10.1.${index % 20}.1`), peer(`10.2.${index}.1`), 100 + index)
          )
        ),
        {},
        { ...OPTIONS, groupLabels: [], nodesMax: 1000 }
      )
    );
    expect(graph.edges).toHaveLength(EDGES_MAX);
    expect(small).toMatchObject({ edges: 20, nodes: 20 });
    expect(small!.share).toBeGreaterThan(0.02);
  });

  it('is never a connection with a problem', () => {
    const sick = setOf([series(a, peer(`10.9.${EDGES_ALWAYS}.1`), 1)]);
    expect(star([...large, 1, 1], { drops: sick }).small?.edges).toBe(1);
  });

  it('leaves a node that talks to itself alone where it is', () => {
    const list = [...large.map((value, index) => series(a, peer(`10.9.${index}.1`), value)), series(b, b, 1)];
    const graph = buildGraph(setOf(list), {}, OPTIONS);
    expect(withoutSmall(graph).graph.nodes.map(node => node.label)).toContain(b.name);
  });

  it('takes a group along that has no node left', () => {
    const list = [
      ...large.map((value, index) => series(a, peer(`10.9.${index}.1`, 'servers'), value)),
      series(a, peer('10.7.0.1', 'guests'), 1),
      series(a, peer('10.8.0.1', 'servers'), 1)
    ];
    const { graph } = withoutSmall(buildGraph(setOf(list), {}, OPTIONS));
    expect(graph.groups.map(({ id, size }) => [id, size])).toEqual([
      ['lan', 1],
      ['servers', EDGES_ALWAYS]
    ]);
  });
});

describe('the graph', () => {
  it('has one edge for a pair, with both directions', () => {
    const graph = buildGraph(setOf([series(a, c, 100), series(c, a, 30), series(a, a, 5)]), {}, OPTIONS);
    expect(graph.edges).toHaveLength(1);
    expect(graph.edges[0]).toMatchObject({ source: a.id, target: c.id, forward: 100, backward: 30, value: 130 });
    expect(graph.nodes.find(node => node.id === a.id)).toMatchObject({ sent: 105, received: 35 });
  });

  it('shows the worst of latencies and adds nothing up', () => {
    const valueOf = valueBy('p90', { isTime: true, seconds: 45 });
    const graph = buildGraph(setOf([latency(a, c, 100), latency(c, a, 30)]), {}, { ...OPTIONS, valueOf, isTime: true });
    expect(graph.edges[0]!.value).toBe(100);
  });

  it.each([
    [undefined, 9],
    [0, 0],
    [7, 7]
  ])('takes the points of a latency where its value of the whole range is %s', (whole, value) => {
    expect(valueBy('p90', { isTime: true, seconds: 45 })({ ...latency(a, c, 90), whole })).toBe(value);
  });

  it.each([
    ['avg', 100],
    ['last', 125],
    ['min', 25],
    ['max', 150],
    ['sum', 4500]
  ])('shows the %s of an amount', (fn, value) => {
    const graph = buildGraph(setOf([series(a, c, 100)]), {}, { ...OPTIONS, valueOf: valueBy(fn, AMOUNT) });
    expect(graph.edges[0]!.value).toBe(value);
  });

  it.each<[what: string, fn: string, of: Partial<StatisticsOf>, value: number]>([
    ['average is that of the whole range', 'avg', {}, 70],
    ['total is made of that average', 'sum', {}, 70 * 45],
    ['latest value is of the last step that is known', 'last', { latest: 1 }, 25],
    ['latest value is none where no step is known', 'last', { latest: undefined }, 0]
  ])("an amount's %s", (_what, fn, of, value) => {
    expect(valueBy(fn, { ...AMOUNT, ...of })({ ...series(a, c, 100), whole: 70 })).toBe(value);
  });

  it('puts what is beyond the limit into one node and loses no traffic', () => {
    const list = Array.from({ length: 20 }, (_, index) => series(a, peer(`10.1.0.${index}`), index + 1));
    const graph = buildGraph(setOf(list), {}, { ...OPTIONS, nodesMax: 5 });
    const others = graph.nodes.find(node => node.kind === 'others')!;
    expect(others).toMatchObject({ count: 16, label: 'Others' });
    expect(graph.hidden).toBe(16);
    expect(graph.edges.reduce((sum, edge) => sum + edge.value, 0)).toBe(210);
  });

  it('shows a single node left over instead of a node that stands for it', () => {
    const list = Array.from({ length: 5 }, (_, index) => series(a, peer(`10.1.0.${index}`), 1));
    expect(buildGraph(setOf(list), {}, { ...OPTIONS, nodesMax: 5 }).hidden).toBe(0);
  });

  it('closes the largest groups of a large graph, and the user has the last word', () => {
    const list = [
      ...Array.from({ length: OPEN_NODES_MAX }, (_, index) => series(peer(`10.1.0.${index}`, 'large'), c, 1)),
      ...Array.from({ length: 5 }, (_, index) => series(peer(`10.2.0.${index}`, 'small'), c, 1))
    ];
    const closed = (chosen: [string, boolean][]) =>
      buildGraph(setOf(list), {}, { ...OPTIONS, chosen: new Map(chosen) })
        .groups.filter(group => group.isClosed)
        .map(group => group.id);
    expect(closed([])).toEqual(['large']);
    expect(closed([['large', true]])).toEqual(['small']);
    expect(closed([['small', false]])).toEqual(['large', 'small']);
    const graph = buildGraph(setOf(list), {}, OPTIONS);
    expect(graph.nodes.find(node => node.kind === 'group')).toMatchObject({ count: OPEN_NODES_MAX, label: 'large' });
  });

  it('marks slow, dropping and failing connections whatever metric is shown', () => {
    const shown = setOf([series(a, c, 1), series(b, c, 1), series(a, b, 1)]);
    const graph = buildGraph(
      shown,
      {
        rtt: setOf([latency(a, c, 4), latency(b, c, 400), latency(a, b, 5)]),
        drops: setOf([series(a, b, 2)]),
        dnsErrors: setOf([series(a, c, 2)]),
        dnsFlows: setOf([series(a, c, 10)])
      },
      OPTIONS
    );
    const problems = Object.fromEntries(graph.edges.map(edge => [`${edge.source} ${edge.target}`, edge.problems]));
    expect(problems).toEqual({
      [`${b.id} ${c.id}`]: ['Slow round trip'],
      [`${a.id} ${c.id}`]: ['DNS errors'],
      [`${a.id} ${b.id}`]: ['Packets are dropped']
    });
  });

  it('takes a name that is asked for in vain now and then for no fault', () => {
    const quality = { dnsErrors: setOf([series(a, c, 1)]), dnsFlows: setOf([series(a, c, 50)]) };
    expect(buildGraph(setOf([series(a, c, 1)]), quality, OPTIONS).edges[0]!.problems).toEqual([]);
  });

  it('calls slow what is slow for people and far above the others', () => {
    expect(slowLimit([])).toBe(100);
    expect(slowLimit([1, 2, 3])).toBe(100);
    expect(slowLimit([60, 60, 60])).toBe(300);
  });
});

describe('group types', () => {
  it('are those whose every part exists', () => {
    expect(groupTypes(SCOPES, SCOPES[1])).toEqual(['subnets']);
    expect(groupTypes(SCOPES, SCOPES[0])).toEqual([]);
  });

  it('resolve "auto" to the one of Kubernetes, else to subnets, else to none', () => {
    expect(resolveGroup(['clusters', 'namespaces', 'namespaces+owners'], 'auto')).toBe('namespaces+owners');
    expect(resolveGroup(['hosts', 'subnets'], 'auto')).toBe('subnets');
    expect(resolveGroup(['hosts', 'zones'], 'auto')).toBeUndefined();
    expect(resolveGroup(['hosts'], 'hosts')).toBe('hosts');
    expect(resolveGroup(['subnets'], 'none')).toBeUndefined();
    expect(resolveGroup([], 'auto')).toBeUndefined();
  });

  it('have labels without side', () => expect(groupLabels(SCOPES, 'subnets')).toEqual(['SubnetLabel']));
});

describe('the layout', () => {
  const graphOf = (nodes: number, clusters: number): LayoutInput => ({
    nodes: Array.from({ length: nodes }, (_, index) => ({ id: `n${index}`, cluster: `c${index % clusters}` })),
    edges: Array.from({ length: nodes * 1.5 }, (_, index) => ({
      source: `n${index % nodes}`,
      target: `n${(index * 7 + 3) % nodes}`
    })).filter(edge => edge.source !== edge.target),
    known: {},
    centres: {},
    aspect: 1.9
  });

  it('keeps groups and nodes apart', () => {
    const { boxes, positions } = layout(graphOf(120, 9));
    const list = Object.values(boxes);
    for (const [index, one] of list.entries()) {
      for (const two of list.slice(index + 1)) {
        const isApart =
          one.x + one.width <= two.x ||
          two.x + two.width <= one.x ||
          one.y + one.height <= two.y ||
          two.y + two.height <= one.y;
        expect(isApart).toBe(true);
      }
    }
    const places = Object.values(positions);
    const nearest = Math.min(
      ...places.flatMap((one, index) => places.slice(index + 1).map(two => Math.hypot(one.x - two.x, one.y - two.y)))
    );
    expect(nearest).toBeGreaterThan(40);
  });

  it('is the same every time, and does not move for a refresh', () => {
    const input = graphOf(60, 4);
    const first = layout(input);
    expect(layout(input)).toEqual(first);
    const again = layout({ ...input, known: first.positions, centres: first.centres });
    expect(again.positions).toEqual(first.positions);
  });

  it('finds a place for a new node and leaves the others of its group where they were', () => {
    const input = graphOf(60, 4);
    const first = layout(input);
    const nodes = [...input.nodes, { id: 'new', cluster: 'c1' }];
    const { positions, centres } = layout({ ...input, nodes, known: first.positions, centres: first.centres });
    for (const { id, cluster } of input.nodes) {
      const [old, now] = [first.positions[id]!, positions[id]!];
      const moved = {
        x: centres[cluster]!.x - first.centres[cluster]!.x,
        y: centres[cluster]!.y - first.centres[cluster]!.y
      };
      expect({ x: now.x - moved.x, y: now.y - moved.y }).toEqual(old);
    }
    const others = input.nodes.map(node => positions[node.id]!);
    const fresh = positions.new!;
    expect(Math.min(...others.map(place => Math.hypot(place.x - fresh.x, place.y - fresh.y)))).toBeGreaterThan(30);
  });

  it('opens a group where its node stood', () => {
    const input = graphOf(40, 4);
    const before = layout({
      ...input,
      nodes: [{ id: 'c0', cluster: 'c0' }, ...input.nodes.filter(node => node.cluster !== 'c0')]
    });
    const { centres } = layout({ ...input, centres: before.centres, known: before.positions });
    const distance = Math.hypot(centres.c0!.x - before.centres.c0!.x, centres.c0!.y - before.centres.c0!.y);
    expect(distance).toBeLessThan(700);
  });

  it('answers for nothing', () => expect(layout(graphOf(0, 1))).toEqual({ positions: {}, boxes: {}, centres: {} }));
});

describe('blocks', () => {
  it('that are apart stay, and those that overlap give way', () => {
    const blocks = [
      { id: 'a', x: 0, y: 0, width: 100, height: 100 },
      { id: 'b', x: 40, y: 0, width: 100, height: 100 },
      { id: 'c', x: 1000, y: 0, width: 100, height: 100 }
    ];
    separate(blocks, 10);
    expect(blocks[1]!.x - blocks[0]!.x).toBeGreaterThanOrEqual(109);
    expect(blocks[2]!.x).toBe(1000);
  });
});

describe('labels', () => {
  const at = (id: string, x: number, y = 0) => ({ id, at: { x, y }, text: '192.168.1.10', below: 0 });

  it('are written while they do not touch, the important first', () => {
    const requests = [at('first', 0), at('second', 30), at('third', 200)];
    expect([...placeLabels(requests, [], 1)]).toEqual(['first', 'third']);
    expect([...placeLabels(requests, [], 4)]).toEqual(['first', 'second', 'third']);
  });

  it('do not cover nodes', () => {
    expect([...placeLabels([at('only', 0)], [{ at: { x: 10, y: 4 }, radius: 5 }], 1)]).toEqual([]);
  });
});

describe('the drawing', () => {
  it('widens edges by the logarithm of their traffic', () => {
    const widths = [1, 10, 100, 1000].map(value => edgeWidth(value, 1000));
    expect(widths.at(-1)).toBe(5.5);
    expect(widths[1]! - widths[0]!).toBeLessThan(widths[3]! - widths[2]! + 0.01);
    expect(edgeWidth(0, 1000)).toBe(1);
    expect(edgeWidth(5, 0)).toBe(1);
  });

  it('bends an edge around the nodes between its ends, as slightly as it can', () => {
    const [from, to] = [
      { x: 0, y: 0 },
      { x: 300, y: 0 }
    ];
    expect(bendOf(from, to, [])).toBe(0.08);
    expect(bendOf(from, to, [{ x: 600, y: 0 }])).toBe(0.08);
    // A positive bend passes above: a node there sends it below, one on either side further out.
    expect(bendOf(from, to, [{ x: 150, y: -20 }])).toBe(-0.08);
    const wide = bendOf(from, to, [{ x: 150, y: 0 }]);
    expect(Math.abs(wide)).toBe(0.2);
  });

  it('has an arrow for each busy side', () => {
    const graph = buildGraph(setOf([series(a, c, 100), series(c, a, 2)]), {}, OPTIONS);
    expect(isBusy(graph.edges[0]!, 'forward')).toBe(true);
    expect(isBusy(graph.edges[0]!, 'backward')).toBe(false);
  });

  it('goes to the neighbour in the direction of the arrow key', () => {
    const places = {
      from: { x: 0, y: 0 },
      right: { x: 100, y: 10 },
      corner: { x: 60, y: 200 },
      left: { x: -50, y: 0 }
    };
    expect(neighbour(places, 'from', { x: 1, y: 0 })).toBe('right');
    expect(neighbour(places, 'from', { x: 0, y: 1 })).toBe('corner');
    expect(neighbour(places, 'from', { x: 0, y: -1 })).toBeUndefined();
  });

  it('keeps both ends of a long name', () => {
    expect(shorten('short', 10)).toBe('short');
    expect(shorten('a-very-long-name-of-a-host', 11)).toBe('a-ver…-host');
  });

  it('is bounded by nodes and open groups', () => {
    const box = boundsOf({ n: { x: 0, y: 0 } }, { g: { x: -500, y: 0, width: 20, height: 20 } }, ['g']);
    expect(box.x).toBe(-500);
    expect(box.width).toBe(570);
  });

  it('focuses on what a selection touches, and on nothing that went away', () => {
    const graph = buildGraph(setOf([series(a, c, 1), series(b, c, 1)]), {}, OPTIONS);
    expect([...focusOf(graph, { kind: 'node', id: a.id })!.nodes].sort()).toEqual([a.id, c.id].sort());
    expect(focusOf(graph, { kind: 'node', id: c.id })!.edges.size).toBe(2);
    expect(focusOf(graph, { kind: 'edge', id: 'gone' })).toBeUndefined();
  });
});

describe('filters of peers', () => {
  const withFields = {
    ...config,
    fields: [
      ...config.fields.filter(field => field.name !== 'SrcAddr' && field.name !== 'DstAddr'),
      ...['SrcAddr', 'DstAddr'].map(name => ({ name, type: 'string', format: 'IP' })),
      { name: 'SrcSubnetLabel', type: 'string' },
      { name: 'DstSubnetLabel', type: 'string' }
    ]
  };
  const context = {
    config: withFields,
    fields: new FilterFields(config.columns, config.filters),
    knowsFilter: () => true
  };
  const [subnet, address] = SCOPES as [(typeof SCOPES)[0], (typeof SCOPES)[0]];

  it('name a pair by its scope, not by its group', () => {
    expect(pairOfPeers(context, address, a, c)).toEqual([
      { id: 'src_address', compare: '=', values: ['10.0.0.1'] },
      { id: 'dst_address', compare: '=', values: ['192.0.2.9'] }
    ]);
  });

  it('ask for a missing value where the name is missing', () => {
    const nowhere: Peer = { id: '', name: '', labels: { SubnetLabel: '' } };
    const lan: Peer = { id: 'lan', name: 'lan', labels: { SubnetLabel: 'lan' } };
    expect(pairOfPeers(context, subnet, lan, nowhere).map(filter => filter.values)).toEqual([['"lan"'], ['""']]);
  });

  it('are of either end where there is such a filter', () => {
    expect(peerFilters(context, address, a)[0]!.id).toBe('address');
    expect(valueFilters(context, 'SrcPort', '443')[0]).toMatchObject({ id: 'port', values: ['443'] });
    expect(valueFilters(context, 'NoSuchField', '1')).toEqual([]);
  });

  it('replace or add', () => {
    const old = [{ id: 'src_address', compare: '=' as const, values: ['10.0.0.9'] }];
    const added = [{ id: 'src_address', compare: '=' as const, values: ['10.0.0.1'] }];
    expect(replaceAll(old, added)).toEqual(added);
    expect(addAll(old, added)[0]!.values).toEqual(['10.0.0.9', '10.0.0.1']);
  });
});
