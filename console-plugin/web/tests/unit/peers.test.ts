import { describe, expect, it, test } from 'vitest';
import { encodeFilters, FilterFields } from '../../src/model/filters';
import { pairOfPeers, peerFilters, sideFilters, valueFilters, withoutPeer } from '../../src/model/peer-filters';
import { named, scopeById } from '../../src/model/series';
import { labelsOf } from '../../src/hooks/use-metrics';
import { groupLabels, groupTypes, resolveGroup } from '../../src/pages/topology/graph';
import { config } from './config';
import { operatorConfig } from './operator-config';

const CONFIGS = [
  ['of one host', config],
  ['of a cluster', operatorConfig]
] as const;

const contextOf = (of: typeof config) => {
  const fields = new FilterFields(of.columns, of.filters);
  return { config: of, fields, knowsFilter: (id: string) => fields.isKnown(id) };
};
const cluster = contextOf(operatorConfig);
const scopeOf = (id: string) => scopeById(operatorConfig.scopes, id)!;

/** The ends of a series as an answer of the back end gives them. */
const endsOf = (scope: string, metric: Record<string, string>, groups = '') => {
  const { source, target, name } = named(metric, labelsOf(operatorConfig, scope, groups), 'Unknown');
  return { source: source!, target: target!, name };
};

const PODS = endsOf('resource', {
  SrcK8S_Name: 'web-1',
  SrcK8S_Type: 'Pod',
  SrcK8S_OwnerName: 'web',
  SrcK8S_OwnerType: 'Deployment',
  SrcK8S_Namespace: 'shop',
  SrcAddr: '10.0.0.1',
  SrcK8S_HostName: 'one',
  DstAddr: '192.0.2.9'
});

describe.each(CONFIGS)('the filters %s', (_name, of) => {
  const { fields } = contextOf(of);

  test.each(of.filters.map(({ id }) => id))('%s is never lost in a request', id => {
    expect(encodeFilters([{ id, compare: '=', values: ['a.b.c'] }], 'all', fields)).not.toBe('');
  });

  test.each(of.filters.filter(({ category }) => category === 'endpoint').map(({ id }) => id))(
    '%s leaves out both ends when it is negated',
    id => {
      const encoded = encodeFilters([{ id, compare: '!=', values: ['Pod.b.c'] }], 'all', fields);
      for (const way of encoded.split('|')) {
        expect(way).toMatch(/Src/);
        expect(way).toMatch(/Dst/);
      }
    }
  );
});

describe.each(CONFIGS)('the scopes %s', (_name, of) => {
  const context = contextOf(of);

  test.each(of.scopes.map(scope => [scope.id, scope] as const))(
    '%s makes two peers that can be filtered on',
    (id, scope) => {
      const metric = Object.fromEntries(scope.labels.map(label => [label, `${label.slice(-4)}x`.toLowerCase()]));
      const { source, target } = named(metric, labelsOf(of, id), 'Unknown');
      expect([source, target].map(peer => peer?.name)).not.toContain('');
      for (const filter of [
        ...sideFilters(context, scope, source!, 'Src'),
        ...pairOfPeers(context, scope, source!, target!)
      ]) {
        expect(context.knowsFilter(filter.id)).toBe(true);
      }
      expect(pairOfPeers(context, scope, source!, target!)).not.toEqual([]);
    }
  );

  test.each(of.scopes.map(scope => [scope.id, scope] as const))(
    '%s is grouped by what stands there, or not at all',
    (_id, scope) => {
      const auto = resolveGroup(groupTypes(of.scopes, scope), 'auto');
      expect([undefined, 'namespaces', 'namespaces+owners', 'subnets']).toContain(auto);
      expect(groupLabels(of.scopes, auto)).not.toContain('K8S_HostName');
    }
  );
});

describe('a pod', () => {
  it('is one filter of kind, namespace and name', () => {
    expect(sideFilters(cluster, scopeOf('resource'), PODS.source, 'Src')).toEqual([
      { id: 'src_resource', compare: '=', values: ['Pod.shop.web-1'] }
    ]);
    expect(peerFilters(cluster, scopeOf('resource'), PODS.source)[0]!.id).toBe('resource');
  });

  it('is left out alone: not all of its namespace, nor all pods', () => {
    const filters = withoutPeer(cluster, scopeOf('resource'), PODS.source);
    expect(filters.map(({ id, values }) => [id, values])).toEqual([
      ['src_resource', ['Pod.shop.web-1']],
      ['dst_resource', ['Pod.shop.web-1']]
    ]);
    const ways = encodeFilters(filters, 'all', cluster.fields).split('|');
    expect(ways).toHaveLength(9);
    expect(ways).toContain('SrcK8S_Name!="web-1"&DstK8S_Name!="web-1"');
    expect(ways).toContain('SrcK8S_Namespace!="shop"&DstK8S_Type!="Pod"');
  });

  it('is not what an address outside of the cluster is', () => {
    expect(withoutPeer(cluster, scopeOf('resource'), PODS.target).map(({ id }) => id)).toEqual([
      'src_address',
      'dst_address'
    ]);
  });
});

describe('a workload', () => {
  const { source, target } = endsOf('owner', {
    SrcK8S_OwnerName: 'web',
    SrcK8S_OwnerType: 'Deployment',
    SrcK8S_Namespace: 'shop',
    DstSubnetLabel: 'EXT:partner'
  });

  it('is left out with its kind and namespace', () => {
    expect(withoutPeer(cluster, scopeOf('owner'), source)[0]).toEqual({
      id: 'src_resource',
      compare: '!=',
      values: ['Deployment.shop.web']
    });
  });

  it('is not left out where only several filters together would name it', () => {
    expect(sideFilters(cluster, scopeOf('owner'), target, 'Dst').length).toBeGreaterThan(1);
    expect(withoutPeer(cluster, scopeOf('owner'), target)).toEqual([]);
  });
});

describe('a cluster', () => {
  it('is both ends of its flows', () => {
    const { source, target, name } = endsOf('cluster', { K8S_ClusterName: 'east' });
    expect([source.name, target.name, name]).toEqual(['east', 'east', 'east']);
    expect(pairOfPeers(cluster, scopeOf('cluster'), source, target)).toEqual([
      { id: 'cluster_name', compare: '=', values: ['"east"'] }
    ]);
  });

  it('groups what stands in it', () => {
    const { source } = endsOf('zone', { SrcK8S_Zone: 'a', DstK8S_Zone: 'b', K8S_ClusterName: 'east' }, 'clusters');
    expect(source).toMatchObject({ name: 'a', labels: { K8S_ClusterName: 'east' } });
  });
});

it('offers no filter that the page does not have', () => {
  const filters = config.filters.filter(({ id }) => id !== 'dns_name');
  const context = { ...contextOf({ ...config, filters }) };
  expect(valueFilters(context, 'DnsName', 'example.org')).toEqual([]);
});
