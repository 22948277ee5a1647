import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { filtersFromUrl, filtersToUrl } from '../../src/model/filter-url';
import { both } from '../../src/model/conditions';
import {
  addFilter,
  areCarried,
  encodeFilters,
  FilterFields,
  replaceFilter,
  splitFilters,
  swapFilters,
  type Filter,
  type Match
} from '../../src/model/filters';
import { stateFromUrl, urlFromState } from '../../src/model/url-state';
import { config } from './config';
import { anyValue, COMPARES } from './values';

const fields = new FilterFields(config.columns, config.filters);
const known = new Set(config.filters.map(filter => filter.id));
const parse = (url: string): Filter[] => filtersFromUrl(url, id => known.has(id));

describe('a request carries filters in the form of the back end', () => {
  test.each<[url: string, match: Match, records: string]>([
    ['src_namespace=shop;dst_port=443', 'all', 'SrcK8S_Namespace=shop&DstPort=443'],
    ['src_namespace=shop;dst_port=443', 'any', 'SrcK8S_Namespace=shop|DstPort=443'],
    ['src_kind=Pod,Deployment', 'all', 'SrcK8S_Type=Pod|SrcK8S_OwnerType=Deployment'],
    ['src_kind!=Pod,Deployment', 'all', 'SrcK8S_Type!=Pod&SrcK8S_OwnerType!=Deployment'],
    ['src_kind=Pod,Job;protocol=6', 'all', 'SrcK8S_Type=Pod&Proto=6|SrcK8S_OwnerType=Job&Proto=6'],
    ['src_kind=Pod;protocol=6', 'any', 'SrcK8S_Type=Pod|Proto=6'],
    [
      'dst_resource=Deployment.shop.web',
      'all',
      'DstK8S_OwnerType="Deployment"&DstK8S_Namespace="shop"&DstK8S_OwnerName="web"'
    ],
    [
      'src_resource=Pod.shop.web,Pod.shop.db,Job.ops.backup',
      'all',
      'SrcK8S_Type="Pod"&SrcK8S_Namespace="shop"&SrcK8S_Name="web","db"|' +
        'SrcK8S_OwnerType="Job"&SrcK8S_Namespace="ops"&SrcK8S_OwnerName="backup"'
    ],
    [
      'src_resource!=Pod.shop.web,Pod.shop.db;protocol=6',
      'all',
      'SrcK8S_Type!="Pod"&Proto=6|SrcK8S_Namespace!="shop"&Proto=6|SrcK8S_Name!="web","db"&Proto=6'
    ],
    [
      'src_resource!=Pod.shop.web,Pod.ops.web',
      'all',
      'SrcK8S_Type!="Pod"|SrcK8S_Namespace!="shop","ops"|SrcK8S_Name!="web"'
    ],
    [
      'resource!=Node..one',
      'all',
      'SrcK8S_Type!="Node"&DstK8S_Type!="Node"|SrcK8S_Type!="Node"&DstK8S_Name!="one"|' +
        'SrcK8S_Name!="one"&DstK8S_Type!="Node"|SrcK8S_Name!="one"&DstK8S_Name!="one"'
    ],
    ['namespace!=shop', 'all', 'SrcK8S_Namespace!=shop&DstK8S_Namespace!=shop'],
    ['namespace!=shop', 'bidirectional', 'SrcK8S_Namespace!=shop&DstK8S_Namespace!=shop'],
    [
      'namespace!=shop;port=53',
      'all',
      'SrcK8S_Namespace!=shop&DstK8S_Namespace!=shop&SrcPort=53|SrcK8S_Namespace!=shop&DstK8S_Namespace!=shop&DstPort=53'
    ],
    ['namespace!=shop;protocol=6', 'any', 'SrcK8S_Namespace!=shop&DstK8S_Namespace!=shop|Proto=6'],
    ['namespace=shop;protocol=6', 'any', 'SrcK8S_Namespace=shop|DstK8S_Namespace=shop|Proto=6'],
    ['namespace=shop', 'all', 'SrcK8S_Namespace=shop|DstK8S_Namespace=shop'],
    ['namespace=shop;protocol=6', 'all', 'SrcK8S_Namespace=shop&Proto=6|DstK8S_Namespace=shop&Proto=6'],
    ['src_port=80', 'bidirectional', 'SrcPort=80|DstPort=80'],
    ['protocol=6', 'bidirectional', 'Proto=6'],
    ['src_namespace!~shop;dst_port>=1024', 'all', 'SrcK8S_Namespace!~shop&DstPort>=1024'],
    ['dns_name="a%3Db%3Bc%2Cd"', 'all', 'DnsName="a*b*c*d"'],
    ['dns_name=a"%25"b,""', 'all', 'DnsName=a*b,""'],
    ['subnet_label="Büro 2"', 'all', 'SrcSubnetLabel="Büro 2"|DstSubnetLabel="Büro 2"'],
    [
      'dst_resource=Pod.shop.web.example.org',
      'all',
      'DstK8S_Type="Pod"&DstK8S_Namespace="shop"&DstK8S_Name="web.example.org"'
    ],
    ['', 'all', '']
  ])('%s, match %s', (url, match, records) => {
    expect(encodeFilters(parse(url), match, fields)).toBe(records);
  });

  it('never loses a filter to the grammar, whatever its value', () => {
    const grammar = /^DnsName=[^=~&|,]+(,[^=~&|,]+)*$/;
    fc.assert(
      fc.property(fc.array(anyValue, { minLength: 1, maxLength: 3 }), values => {
        const records = encodeFilters([{ id: 'dns_name', compare: '=', values }], 'all', fields);
        expect(records).toMatch(grammar);
        expect(records.split(',')).toHaveLength(values.length);
      })
    );
  });

  const excluded = (values: string[]): Filter[] => [
    { id: 'protocol', compare: '=', values: ['6'] },
    { id: 'src_resource', compare: '!=', values },
    { id: 'dst_resource', compare: '!=', values }
  ];
  const KINDS = ['Pod.a.x', 'Job.c.z', 'Service.b.y', 'Deployment.d.w'];

  test.each([
    ['one', KINDS.slice(0, 1), 3],
    ['of two namespaces', ['Pod.a.x', 'Pod.b.y'], 3],
    ['fifty of one namespace', Array.from({ length: 50 }, (_, index) => `Pod.a.x${index}`), 3],
    ['four hundred, too long to repeat', Array.from({ length: 400 }, (_, index) => `Pod.a.x${index}`), 2],
    ['of two kinds', KINDS.slice(0, 2), 2],
    ['of four kinds', KINDS.slice(0, 4), 1],
    ['of many', Array.from({ length: 60 }, (_, index) => `Kind${index}.ns${index}.x`), 1]
  ])('asks no more than the back end takes and names the rest: %s', (_what, values, asked) => {
    const started = performance.now();
    const split = splitFilters(excluded(values), 'all', fields);
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(split.asked).toHaveLength(asked);
    expect([...split.asked, ...split.leftOut]).toEqual(excluded(values));
    expect(areCarried(excluded(values), 'all', fields)).toBe(asked === 3);
    const conditions = encodeFilters(split.asked, 'all', fields).split(/[|&]/);
    expect(conditions.length).toBeLessThanOrEqual(256);
  });

  it('leaves out what is switched off', () => {
    expect(encodeFilters([{ id: 'protocol', compare: '=', values: ['6'], off: true }], 'all', fields)).toBe('');
  });
});

describe('the address bar', () => {
  it('brings back what was written into it', () => {
    const filters: Filter[] = [
      { id: 'src_namespace', compare: '!~', values: ['shop'] },
      { id: 'dst_port', compare: '>=', values: ['1024'] },
      { id: 'src_address', compare: '=', values: ['10.0.0.0/8', '::1'] }
    ];
    expect(parse(filtersToUrl(filters))).toEqual(filters);
  });

  it('brings back any value, through the whole address', () => {
    const defaults = { filters: [], scopes: ['address'], view: 'table', isKnownFilter: (id: string) => known.has(id) };
    const filter = fc.record({
      id: fc.constantFrom(...known),
      compare: fc.constantFrom(...COMPARES),
      values: fc.array(anyValue, { minLength: 1, maxLength: 4 })
    });
    fc.assert(
      fc.property(fc.array(filter, { maxLength: 4 }), fc.array(filter, { maxLength: 2 }), (on, off) => {
        const filters: Filter[] = [...on, ...off.map(each => ({ ...each, off: true }))];
        const state = { ...stateFromUrl('', { ...defaults, view: 'table' }), filters };
        expect(stateFromUrl(urlFromState(state), { ...defaults, view: 'overview' })).toEqual(state);
      })
    );
  });

  test.each([
    ['dns_name="a=b;c"', 'dns_name="a%3Db%3Bc"'],
    ['interfaces=br-lan,eth0', 'interfaces=br-lan,eth0'],
    ['address=fe80::1/64', 'address=fe80::1/64'],
    ['subnet_label="Büro 2"', 'subnet_label="Büro 2"']
  ])('writes %s as %s: as NetObserv does where no sign is in the way', (plain, written) => {
    const [, id = '', value = ''] = /^(\w+)=(.*)$/.exec(plain)!;
    const values = value.startsWith('"') ? [value] : value.split(',');
    expect(filtersToUrl([{ id, compare: '=', values }])).toBe(written);
  });

  it('takes a percent sign that it did not write for what it is', () => {
    expect(parse('dns_name=100%,50%zz')).toEqual([{ id: 'dns_name', compare: '=', values: ['100%', '50%zz'] }]);
  });

  it('drops ids it does not know and values it cannot split', () => {
    expect(parse('nonsense=1;protocol=a=b;protocol=6')).toEqual([{ id: 'protocol', compare: '=', values: ['6'] }]);
  });
});

it('joins values of equal filters, each once', () => {
  const once = addFilter(parse('dst_port=443'), { id: 'dst_port', compare: '=', values: ['443', '80'] });
  expect(once).toEqual([{ id: 'dst_port', compare: '=', values: ['443', '80'], off: undefined }]);
});

it.each([
  ['dst_port', '=', 'dst_port=443,80'],
  ['src_port', '=', 'dst_port=443;src_port=80']
] as const)('puts a filter changed to %s%s beside the others, one of a kind', (id, compare, url) => {
  const filters = parse('dst_port=443;dst_port!=80');
  const next = { ...filters[1]!, id, compare };
  expect(filtersToUrl(replaceFilter(filters, filters[1]!, next))).toBe(url);
});

it('swaps the sides and keeps what has none', () => {
  expect(filtersToUrl(swapFilters(parse('src_port=1;protocol=6'), id => known.has(id)))).toBe('dst_port=1;protocol=6');
});

it.each([
  ['Proto=6', '', 'Proto=6'],
  ['', 'Proto=6', 'Proto=6'],
  ['SrcPort=1&Proto=6', 'DstPort=2', 'SrcPort=1&Proto=6&DstPort=2'],
  ['SrcPort=1|DstPort=1', 'Proto=6', 'SrcPort=1&Proto=6|DstPort=1&Proto=6'],
  ['Proto=6', 'Proto=6|SrcPort=1', 'Proto=6'],
  ['A=1|B=2', 'C=3|D=4', 'A=1&C=3|A=1&D=4|B=2&C=3|B=2&D=4']
])('%s and %s hold at once as %s', (one, other, together) => expect(both(one, other)).toBe(together));
