import { describe, expect, it, test } from 'vitest';
import {
  addFilter,
  encodeFilters,
  FilterFields,
  filtersFromUrl,
  filtersToUrl,
  swapFilters,
  type Filter,
  type Match
} from '../../src/model/filters';
import { config } from './config';

const fields = new FilterFields(config.columns, config.filters);
const known = new Set(config.filters.map(filter => filter.id));
const parse = (url: string): Filter[] => filtersFromUrl(url, id => known.has(id));

describe('a request carries filters in the form of the back end', () => {
  test.each<[url: string, match: Match, records: string]>([
    ['src_namespace=shop;dst_port=443', 'all', 'SrcK8S_Namespace=shop&DstPort=443'],
    ['src_namespace=shop;dst_port=443', 'any', 'SrcK8S_Namespace=shop|DstPort=443'],
    ['src_kind=Pod,Deployment', 'all', 'SrcK8S_Type=Pod&SrcK8S_OwnerType=Deployment'],
    [
      'dst_resource=Deployment.shop.web',
      'all',
      'DstK8S_OwnerType="Deployment"&DstK8S_Namespace="shop"&DstK8S_OwnerName="web"'
    ],
    ['namespace=shop', 'all', 'SrcK8S_Namespace=shop|DstK8S_Namespace=shop'],
    ['namespace=shop;protocol=6', 'all', 'SrcK8S_Namespace=shop&Proto=6|DstK8S_Namespace=shop&Proto=6'],
    ['src_port=80', 'bidirectional', 'SrcPort=80|DstPort=80'],
    ['protocol=6', 'bidirectional', 'Proto=6'],
    ['src_namespace!~shop;dst_port>=1024', 'all', 'SrcK8S_Namespace!~shop&DstPort>=1024'],
    ['', 'all', '']
  ])('%s, match %s', (url, match, records) => {
    expect(encodeFilters(parse(url), match, fields).records).toBe(records);
  });

  it('asks three times for metrics of both directions, and subtracts what they share', () => {
    expect(encodeFilters(parse('src_namespace=shop'), 'bidirectional', fields).metrics).toEqual({
      plus: ['SrcK8S_Namespace=shop', 'DstK8S_Namespace=shop'],
      minus: 'SrcK8S_Namespace=shop&DstK8S_Namespace=shop'
    });
  });

  it('leaves out what is switched off', () => {
    expect(encodeFilters([{ id: 'protocol', compare: '=', values: ['6'], off: true }], 'all', fields).records).toBe('');
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

  it('drops ids it does not know and values it cannot split', () => {
    expect(parse('nonsense=1;protocol=a=b;protocol=6')).toEqual([{ id: 'protocol', compare: '=', values: ['6'] }]);
  });
});

it('joins values of equal filters, each once', () => {
  const once = addFilter(parse('dst_port=443'), { id: 'dst_port', compare: '=', values: ['443', '80'] });
  expect(once).toEqual([{ id: 'dst_port', compare: '=', values: ['443', '80'], off: undefined }]);
});

it('swaps the sides and keeps what has none', () => {
  expect(filtersToUrl(swapFilters(parse('src_port=1;protocol=6'), id => known.has(id)))).toBe('dst_port=1;protocol=6');
});
