//! Names of flow fields for which no column is configured. Who: the side panel of a flow.
//! **Invariant:** pure; parts are translation keys, and a field that the dictionary does not know keeps its own name.
import { sentence } from './sentence';

const NAMES: Record<string, string> = {
  TimeReceived: sentence('Received by the pipeline'),
  Etype: sentence('Ethernet protocol'),
  AgentIP: sentence('Agent IP'),
  Udns: sentence('User-defined networks'),
  UdnId: sentence('User-defined network'),
  FlowDirection: sentence('Direction'),
  NetworkEvents: sentence('Network events'),
  ZoneId: sentence('Connection tracking zone'),
  K8S_FlowLayer: sentence('Flow layer'),
  K8S_ClusterName: sentence('Cluster'),
  DnsFlags: sentence('Flags'),
  PktDropBytes: sentence('Dropped bytes'),
  PktDropPackets: sentence('Dropped packets'),
  PktDropLatestFlags: sentence('TCP flags of the latest drop'),
  PktDropLatestState: sentence('TCP state at the latest drop'),
  PktDropLatestDropCause: sentence('Cause of the latest drop'),
  IPSecRetCode: sentence('IPsec return code'),
  IPSecStatus: sentence('IPsec status'),
  TLSVersion: sentence('TLS version'),
  TLSTypes: sentence('TLS record types'),
  TLSCipherSuite: sentence('TLS cipher suite'),
  TLSGroup: sentence('TLS key exchange group'),
  QuicVersion: sentence('QUIC version'),
  QuicSeenLongHdr: sentence('QUIC long headers seen'),
  QuicSeenShortHdr: sentence('QUIC short headers seen'),
  MaxTimeFlowRttNs: sentence('Longest flow RTT'),
  _HashId: sentence('Conversation'),
  _RecordType: sentence('Record type'),
  _IsFirst: sentence('First record of the conversation'),
  numFlowLogs: sentence('Flow records of the conversation'),
  Bytes_AB: sentence('Bytes there'),
  Bytes_BA: sentence('Bytes back'),
  Packets_AB: sentence('Packets there'),
  Packets_BA: sentence('Packets back'),
  PktDropBytes_AB: sentence('Dropped bytes there'),
  PktDropBytes_BA: sentence('Dropped bytes back'),
  PktDropPackets_AB: sentence('Dropped packets there'),
  PktDropPackets_BA: sentence('Dropped packets back')
};

/** What fields of either end say, the end being told by the group in which they stand. */
const PARTS: Record<string, string> = {
  Addr: sentence('IP'),
  Port: sentence('Port'),
  Mac: sentence('MAC'),
  SubnetLabel: sentence('Subnet'),
  K8S_Name: sentence('Name'),
  K8S_Type: sentence('Kind'),
  K8S_OwnerName: sentence('Owner'),
  K8S_OwnerType: sentence('Owner kind'),
  K8S_Namespace: sentence('Namespace'),
  K8S_HostIP: sentence('Node IP'),
  K8S_HostName: sentence('Node name'),
  K8S_Zone: sentence('Zone'),
  K8S_NetworkName: sentence('Network name')
};
const TRANSLATED = sentence('Translated');

/** The words of a field's name, one after the other; nothing for a field that is not known. */
export const nameOfField = (field: string): string[] | undefined => {
  const [, translation, part = ''] = /^(Xlat)?(?:Src|Dst)(\w+)$/.exec(field) ?? [];
  const name = NAMES[field] ?? PARTS[part];
  return name === undefined ? undefined : translation ? [TRANSLATED, name] : [name];
};
