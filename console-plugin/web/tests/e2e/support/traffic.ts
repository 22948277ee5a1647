//! Flows as a small office would make them, for the browser tests: seeded, so that each run draws the same pictures.
//! Who: the browser tests. **Invariant:** lines and labels look as the pipeline of one host writes them.

export type FlowLine = Record<string, string | number | string[] | number[]>;

/** A small generator of numbers between 0 and 1 (mulberry32). */
export const seeded = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};

interface Host {
  address: string;
  subnet: string;
}

const SUBNETS: [name: string, prefix: string, hosts: number][] = [
  ['lan', '192.168.1.', 14],
  ['servers', '10.20.0.', 9],
  ['wifi-guests', '172.16.5.', 8],
  ['vpn', '10.8.0.', 5],
  ['', '203.0.113.', 7]
];

const SERVICES: [port: number, protocol: number, weight: number, bytes: number][] = [
  [443, 6, 30, 90_000],
  [53, 17, 26, 120],
  [22, 6, 5, 9_000],
  [5432, 6, 14, 42_000],
  [80, 6, 8, 24_000],
  [123, 17, 4, 90],
  [8080, 6, 6, 60_000],
  [0, 1, 4, 196],
  [853, 6, 3, 800]
];

const NAMES = [
  'example.org',
  'db.office.test',
  'mirror.debian.test',
  'mail.office.test',
  'printer.lan',
  'api.partner.test'
];

export interface Office {
  /** Flows of one second that ends at the given time. */
  second: (endMs: number, count: number) => FlowLine[];
}

export const office = (seed: number, scale = 1): Office => {
  const random = seeded(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const hosts = SUBNETS.flatMap(([subnet, prefix, count]) =>
    Array.from({ length: Math.round(count * scale) }, (_, index): Host => ({
      subnet,
      // Beyond 250 hosts of a network the next one begins.
      address: `${prefix.replace(/(\d+)\.$/, (_all, third: string) => `${Number(third) + Math.floor(index / 250)}.`)}${(index % 250) + 2}`
    }))
  );
  const servers = hosts.filter(host => host.subnet === 'servers' || host.subnet === '');
  const services = SERVICES.flatMap(service => new Array<(typeof SERVICES)[number]>(service[2]).fill(service));
  // A client keeps to a few servers, as real ones do.
  const favourites = new Map(hosts.map(host => [host.address, [pick(servers), pick(servers), pick(servers)]]));
  const pairOf = (): [Host, Host, (typeof SERVICES)[number]] => {
    const client = pick(hosts);
    const server = pick(favourites.get(client.address)!);
    return server === client ? pairOf() : [client, server, pick(services)];
  };

  const flow = (endMs: number): FlowLine[] => {
    const [client, server, [port, protocol, , size]] = pairOf();
    const clientPort = 32_768 + Math.floor(random() * 28_000);
    const startMs = endMs - Math.floor(random() * 4000);
    const isFar = server.subnet === '';
    const answer = Math.round(size * (0.3 + random() * 1.6) * (server.address.endsWith('.3') ? 6 : 1));
    const line = (from: Host, to: Host, fromPort: number, toPort: number, bytes: number): FlowLine => ({
      SrcAddr: from.address,
      DstAddr: to.address,
      ...(from.subnet ? { SrcSubnetLabel: from.subnet } : {}),
      ...(to.subnet ? { DstSubnetLabel: to.subnet } : {}),
      SrcMac: '02:42:0a:14:00:02',
      DstMac: '02:42:0a:14:00:03',
      Proto: protocol,
      ...(port ? { SrcPort: fromPort, DstPort: toPort } : { IcmpType: from === client ? 8 : 0, IcmpCode: 0 }),
      Dscp: 0,
      Etype: 2048,
      Bytes: bytes,
      Packets: Math.max(1, Math.round(bytes / 800)),
      Sampling: 1,
      Interfaces: [isFar ? 'eth0' : pick(['br-lan', 'wlan0', 'eth1'])],
      IfDirections: [from === client ? 0 : 1],
      TimeFlowStartMs: startMs,
      TimeFlowEndMs: endMs,
      TimeReceived: Math.floor(endMs / 1000) + 1,
      ...(protocol === 6
        ? {
            Flags: ['SYN_ACK', 'ACK', 'PSH', 'FIN'],
            TimeFlowRttNs: Math.round(
              (isFar ? 34e6 : 0.4e6) * (0.7 + random()) * (server.address.endsWith('.6') ? 9 : 1)
            )
          }
        : {})
    });
    const there = line(client, server, clientPort, port, Math.round(answer * 0.12) + 60);
    const back = line(server, client, port, clientPort, answer);
    if (port === 53) {
      const isBad = random() < 0.06;
      Object.assign(back, {
        DnsId: Math.floor(random() * 65_535),
        DnsName: isBad ? 'printer.old.test' : pick(NAMES),
        DnsLatencyMs: Math.round(2 + random() * (isFar ? 60 : 9)),
        DnsFlags: 33_152,
        DnsFlagsResponseCode: isBad ? 'NXDomain' : 'NoError',
        DnsErrno: 0
      });
    }
    return [there, back];
  };
  return {
    second: (endMs, count) => {
      const flows: FlowLine[] = [];
      while (flows.length < count) {
        flows.push(...flow(endMs - Math.floor(random() * 1000)));
      }
      return flows;
    }
  };
};

/** The body of a Loki push in its JSON form. */
export const pushBody = (lines: FlowLine[]): string =>
  JSON.stringify({
    streams: [
      {
        stream: { app: 'netobserv-flowcollector' },
        values: lines.map(line => [`${String(line.TimeFlowEndMs)}000000`, JSON.stringify(line)])
      }
    ]
  });
