//! A small configuration for unit tests, with Kubernetes names too: the page serves both. Who: the unit tests.
import type { FrontendConfig } from '../../src/api/types';

const side = (id: string, name: string, component = 'text') => [
  { id, name, component, category: 'endpoint' },
  { id: `src_${id}`, name, component, category: 'source' },
  { id: `dst_${id}`, name, component, category: 'destination' }
];

const column = (id: string, name: string, filter?: string, group?: string, field = id) => ({
  id,
  name,
  filter,
  group,
  field,
  width: 10
});

export const config: FrontendConfig = {
  alertNamespaces: [],
  buildDate: '',
  buildVersion: '',
  lokiLabels: [],
  lokiMocks: false,
  promLabels: [],
  recordTypes: ['flowLog'],
  portNaming: { enable: true, portNames: { 5432: 'postgres' } },
  panels: [],
  columns: [
    { ...column('EndTime', 'End time', undefined, undefined, 'TimeFlowEndMs'), default: true },
    { ...column('SrcAddr', 'IP', 'src_address', 'Source'), default: true },
    column('SrcPort', 'Port', 'src_port', 'Source'),
    column('SrcK8S_Namespace', 'Namespace', 'src_namespace', 'Source'),
    column('SrcSubnetLabel', 'Subnet label', 'src_subnet_label', 'Source'),
    column('DstAddr', 'IP', 'dst_address', 'Destination'),
    column('DstPort', 'Port', 'dst_port', 'Destination'),
    column('DstK8S_Namespace', 'Namespace', 'dst_namespace', 'Destination'),
    column('DstSubnetLabel', 'Subnet label', 'dst_subnet_label', 'Destination'),
    column('Proto', 'Protocol', 'protocol'),
    column('TCPFlags', 'TCP flags', 'tcp_flags', undefined, 'Flags'),
    column('Interfaces', 'Interfaces', 'interfaces'),
    { ...column('Bytes', 'Bytes'), default: true },
    { id: 'FlowDuration', name: 'Duration', width: 5, calculated: 'substract(TimeFlowEndMs,TimeFlowStartMs)' },
    {
      id: 'SrcObject',
      width: 15,
      name: 'Object',
      group: 'Source',
      calculated: "kubeObject(SrcK8S_Type,SrcK8S_Namespace,SrcK8S_Name,1) or concat(SrcAddr,':',SrcPort)"
    },
    { id: 'Addr', name: 'IP', width: 10, calculated: '[SrcAddr,DstAddr]' },
    column('DNSName', 'DNS name', 'dns_name', undefined, 'DnsName'),
    { ...column('TimeFlowRttMs', 'Flow RTT', 'time_flow_rtt', undefined, 'TimeFlowRttNs'), feature: 'flowRTT' }
  ],
  filters: [
    ...side('address', 'IP'),
    ...side('port', 'Port', 'autocomplete'),
    ...side('namespace', 'Namespace', 'autocomplete'),
    ...side('kind', 'Kind', 'autocomplete'),
    ...side('resource', 'Resource', 'autocomplete'),
    ...side('subnet_label', 'Subnet label', 'autocomplete'),
    { id: 'protocol', name: 'Protocol', component: 'autocomplete' },
    { id: 'tcp_flags', name: 'TCP flags', component: 'autocomplete' },
    { id: 'interfaces', name: 'Network interfaces', component: 'text' },
    { id: 'dns_name', name: 'DNS name', component: 'text' },
    { id: 'time_flow_rtt', name: 'Flow RTT', component: 'number' }
  ],
  scopes: [
    { id: 'address', name: 'Address', labels: ['SrcAddr', 'DstAddr', 'SrcSubnetLabel', 'DstSubnetLabel'] },
    { id: 'subnet', name: 'Subnet', labels: ['SrcSubnetLabel', 'DstSubnetLabel'] }
  ],
  quickFilters: [{ name: 'DNS', filter: { port: '53' } }],
  sampling: 0,
  features: ['flowRTT'],
  fields: [
    { name: 'SrcAddr', type: 'string', format: 'IP' },
    { name: 'DstAddr', type: 'string', format: 'IP' },
    { name: 'SrcPort', type: 'number' },
    { name: 'SrcK8S_Namespace', type: 'string' },
    { name: 'DstK8S_Namespace', type: 'string' },
    { name: 'Interfaces', type: 'string[]' }
  ],
  dataSources: ['loki']
};
