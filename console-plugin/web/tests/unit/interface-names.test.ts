import { expect, test } from 'vitest';
import type { Flow } from '../../src/model/flow';
import { GONE_WORDS, nameGoneInterfaces, shownInterfaces } from '../../src/model/interface-names';

const [IN, OUT] = [0, 1];
const [CONTAINER, BRIDGE, NIC, ROUTER] = ['02:c0', '02:b0', '02:a0', '02:f0'];
let id = 0;
const flow = (from: string, to: string, ...places: [name: string, direction: number][]): Flow => ({
  _id: String(id++),
  SrcMac: from,
  DstMac: to,
  Interfaces: places.map(([name]) => name),
  IfDirections: places.map(([, direction]) => direction)
});
const shown = (...flows: Flow[]) => shownInterfaces(nameGoneInterfaces(flows).at(-1)!).join(', ');

test.each<[what: string, flows: Flow[], words: string]>([
  ['a name that is there stays', [flow(ROUTER, NIC, ['eth0', IN])], 'eth0'],
  ['alone it is said in words', [flow(ROUTER, NIC, ['unknown', IN])], GONE_WORDS],
  [
    'the name is known from its own address',
    [flow(ROUTER, NIC, ['wlan0', IN]), flow(NIC, '02:77', ['unknown', OUT])],
    'wlan0 (gone)'
  ],
  [
    'the name is known from whom it led to, beside the bridge that is still there',
    [flow(CONTAINER, BRIDGE, ['veth1', IN], ['br0', IN]), flow(CONTAINER, BRIDGE, ['unknown', IN], ['br0', IN])],
    'veth1 (gone), br0'
  ],
  [
    'two names are one too many',
    [
      flow(CONTAINER, BRIDGE, ['veth1', IN]),
      flow(CONTAINER, BRIDGE, ['veth2', IN]),
      flow(CONTAINER, BRIDGE, ['unknown', IN])
    ],
    GONE_WORDS
  ],
  ['without addresses nothing is guessed', [flow('', '', ['eth0', IN]), flow('', '', ['unknown', IN])], GONE_WORDS]
])('%s', (_what, flows, words) => expect(shown(...flows)).toBe(words));

test('the record itself keeps what the agent wrote', () => {
  const [first] = nameGoneInterfaces([flow(ROUTER, NIC, ['unknown', IN])]);
  expect(first!.Interfaces).toEqual(['unknown']);
});
