//! Names of numbers that flows carry: protocols, well-known ports, ICMP types, DSCP classes, directions.
//! Who: cells, the side panel, the filter bar's understanding of words.
//! **Invariant:** names come from IANA's lists; an unknown number stays a number.

const PROTOCOLS: Record<number, string> = {
  0: 'HOPOPT',
  1: 'ICMP',
  2: 'IGMP',
  4: 'IPv4',
  6: 'TCP',
  17: 'UDP',
  27: 'RDP',
  33: 'DCCP',
  41: 'IPv6',
  46: 'RSVP',
  47: 'GRE',
  50: 'ESP',
  51: 'AH',
  58: 'ICMPv6',
  88: 'EIGRP',
  89: 'OSPF',
  103: 'PIM',
  112: 'VRRP',
  115: 'L2TP',
  132: 'SCTP',
  136: 'UDPLite',
  137: 'MPLS'
};

const PORTS: Record<number, string> = {
  7: 'echo',
  20: 'ftp-data',
  21: 'ftp',
  22: 'ssh',
  23: 'telnet',
  25: 'smtp',
  43: 'whois',
  53: 'domain',
  67: 'bootps',
  68: 'bootpc',
  69: 'tftp',
  80: 'http',
  88: 'kerberos',
  110: 'pop3',
  111: 'sunrpc',
  119: 'nntp',
  123: 'ntp',
  137: 'netbios-ns',
  138: 'netbios-dgm',
  139: 'netbios-ssn',
  143: 'imap',
  161: 'snmp',
  162: 'snmptrap',
  179: 'bgp',
  389: 'ldap',
  443: 'https',
  445: 'microsoft-ds',
  465: 'submissions',
  500: 'isakmp',
  514: 'syslog',
  546: 'dhcpv6-client',
  547: 'dhcpv6-server',
  587: 'submission',
  631: 'ipp',
  636: 'ldaps',
  853: 'domain-s',
  873: 'rsync',
  989: 'ftps-data',
  990: 'ftps',
  993: 'imaps',
  995: 'pop3s'
};

const ICMP_TYPES: Record<number, string> = {
  0: 'Echo reply',
  3: 'Destination unreachable',
  4: 'Source quench',
  5: 'Redirect',
  8: 'Echo request',
  11: 'Time exceeded',
  12: 'Parameter problem',
  13: 'Timestamp',
  14: 'Timestamp reply'
};

const ICMPV6_TYPES: Record<number, string> = {
  1: 'Destination unreachable',
  2: 'Packet too big',
  3: 'Time exceeded',
  4: 'Parameter problem',
  128: 'Echo request',
  129: 'Echo reply',
  130: 'Multicast listener query',
  131: 'Multicast listener report',
  132: 'Multicast listener done',
  133: 'Router solicitation',
  134: 'Router advertisement',
  135: 'Neighbor solicitation',
  136: 'Neighbor advertisement',
  143: 'Multicast listener report v2'
};

const DSCP: Record<number, string> = {
  0: 'Standard',
  8: 'Low-priority data',
  10: 'High-throughput data',
  16: 'OAM',
  18: 'Low-latency data',
  24: 'Broadcast video',
  26: 'Multimedia streaming',
  32: 'Real-time interactive',
  34: 'Multimedia conferencing',
  40: 'Signaling',
  46: 'Telephony',
  48: 'Network control'
};

const ETHER_TYPES: Record<number, string> = { 2048: 'IPv4', 2054: 'ARP', 34525: 'IPv6' };

const DIRECTIONS = ['Ingress', 'Egress', 'Inner', 'Both'];

export const TCP_FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'SYN_ACK', 'FIN_ACK', 'RST_ACK'];

export const protocolName = (number: number): string => PROTOCOLS[number] ?? String(number);

const PROTOCOL_NUMBERS = new Map(
  Object.entries(PROTOCOLS).map(([number, name]) => [name.toLowerCase(), Number(number)])
);

export const protocolNumber = (name: string): number | undefined => PROTOCOL_NUMBERS.get(name.toLowerCase());

export const icmpTypeName = (protocol: unknown, type: number): string => {
  const name = protocol === 58 ? ICMPV6_TYPES[type] : protocol === 1 ? ICMP_TYPES[type] : undefined;
  return name ? `${type} ${name}` : String(type);
};

export const dscpName = (value: number): string => (DSCP[value] ? `${value} ${DSCP[value]}` : String(value));

export const etherTypeName = (value: number): string => ETHER_TYPES[value] ?? String(value);

export const directionName = (value: number): string => DIRECTIONS[value] ?? String(value);

export class PortNames {
  private readonly custom: Record<string, string>;
  private readonly numbers: Map<string, number>;
  private readonly isOn: boolean;

  constructor(naming?: { enable?: boolean; portNames?: Record<string, string> }) {
    this.isOn = naming?.enable ?? false;
    this.custom = naming?.portNames ?? {};
    this.numbers = new Map(
      [...Object.entries(PORTS), ...Object.entries(this.custom)].map(([port, name]) => [
        name.toLowerCase(),
        Number(port)
      ])
    );
  }

  name(port: number): string | undefined {
    return this.isOn ? (this.custom[port] ?? PORTS[port]) : undefined;
  }

  /** `443 https` where the name is known. */
  label(port: number): string {
    const name = this.name(port);
    return name ? `${port} ${name}` : String(port);
  }

  number(name: string): number | undefined {
    return this.numbers.get(name.toLowerCase());
  }
}
