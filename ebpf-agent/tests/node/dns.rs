//! DNS tracking on real traffic.

use std::{net::IpAddr, time::Duration};

use crate::support::{
    agent::{Agent, Record, lost_packets, packets, settings},
    frames::{self, Ip},
    is_privileged, let_pass,
    netns::{FrameSender, Namespace, veth},
};
use netobserv_ebpf_agent::kernel::{Settings, abi::Counter};

const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
const RESOLVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 53));
const NXDOMAIN: u16 = 0x8183;
/// Longer than NetObserv keeps.
const NAME: &str = "a-service.with-a-long-name.some-namespace.svc.cluster.local";

/// A client's interface, watched for DNS, and the two directions in which frames cross it.
struct DnsBed {
    _namespaces: (Namespace, Namespace),
    agent: Agent,
    client: FrameSender,
    resolver: FrameSender,
}

impl DnsBed {
    fn new(settings: Settings) -> Self {
        let (watched, peer) = (Namespace::new(1), Namespace::new(2));
        veth((&watched, "a"), (&peer, "b"));
        let mut agent = Agent::start(&settings);
        agent.attach(&watched.interface("a"));
        let (client, resolver) = (watched.frame_sender("a"), peer.frame_sender("b"));
        Self {
            _namespaces: (watched, peer),
            agent,
            client,
            resolver,
        }
    }

    fn query(&self, port: u16, message: &[u8]) {
        self.query_at(53, port, message);
    }

    /// Asks a resolver that listens on port `server`.
    fn query_at(&self, server: u16, port: u16, message: &[u8]) {
        let frame = frames::packet(
            &[],
            CLIENT,
            RESOLVER,
            frames::UDP,
            &frames::udp(port, server, message),
            Ip::default(),
        );
        self.client.send(&frame);
    }

    fn respond(&self, port: u16, message: &[u8]) {
        self.respond_from(53, port, message);
    }

    fn respond_from(&self, server: u16, port: u16, message: &[u8]) {
        let frame = frames::packet(
            &[],
            RESOLVER,
            CLIENT,
            frames::UDP,
            &frames::udp(server, port, message),
            Ip::default(),
        );
        self.resolver.send(&frame);
    }
}

fn with_dns() -> Settings {
    Settings {
        dns_port: Some(53),
        ..settings()
    }
}

fn message(id: u16, flags: u16, name: &str) -> Vec<u8> {
    let mut message = [id, flags, 1, 0, 0, 0].map(u16::to_be_bytes).concat();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        message.push(label.len() as u8);
        message.extend(label.bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    message
}

fn to_port(records: &[Record], port: u16) -> Vec<&Record> {
    records
        .iter()
        .filter(|record| record.transport.unwrap().dst_port == u32::from(port))
        .collect()
}

#[test]
fn a_slow_response_has_its_latency_id_flags_and_name() {
    if !is_privileged() {
        return;
    }
    let bed = DnsBed::new(with_dns());
    bed.query(4000, &message(77, 0x0100, NAME));
    let_pass(Duration::from_millis(30));
    bed.respond(4000, &message(77, NXDOMAIN, NAME));
    let (records, _) = bed.agent.stop();
    let [response] = to_port(&records, 4000)[..] else {
        panic!("{records:#?}");
    };
    assert_eq!(
        (response.dns_id, response.dns_flags, response.dns_errno),
        (77, u32::from(NXDOMAIN), 0)
    );
    assert_eq!(response.dns_name, NAME);
    assert_eq!(response.packets, 1);
    let latency = Duration::try_from(response.dns_latency.unwrap()).unwrap();
    assert!(
        latency >= Duration::from_millis(30) && latency < Duration::from_secs(30),
        "{latency:?}"
    );
    let [query] = to_port(&records, 53)[..] else {
        panic!("{records:#?}");
    };
    assert_eq!(
        (query.dns_id, query.dns_errno, query.dns_latency),
        (0, 0, None)
    );
}

#[test]
fn a_response_without_a_query_is_an_error_number() {
    if !is_privileged() {
        return;
    }
    let bed = DnsBed::new(with_dns());
    bed.respond(4000, &message(78, 0x8180, "short.io"));
    let (records, _) = bed.agent.stop();
    let response = to_port(&records, 4000)[0];
    assert_eq!((response.dns_id, response.dns_errno), (78, 2));
    assert_eq!(response.dns_name, "short.io");
    assert_eq!(response.dns_latency, None);
}

#[test]
fn a_repeated_query_is_no_error_and_its_time_runs_from_the_first() {
    if !is_privileged() {
        return;
    }
    let bed = DnsBed::new(with_dns());
    bed.query(4000, &message(1, 0x0100, "a.b"));
    let_pass(Duration::from_millis(20));
    bed.query(4000, &message(1, 0x0100, "a.b"));
    bed.respond(4000, &message(1, 0x8180, "a.b"));
    let (records, _) = bed.agent.stop();
    assert!(
        records.iter().all(|record| record.dns_errno == 0),
        "{records:#?}"
    );
    let latency = Duration::try_from(to_port(&records, 4000)[0].dns_latency.unwrap()).unwrap();
    assert!(latency >= Duration::from_millis(20), "{latency:?}");
}

#[test]
fn a_dns_packet_without_room_is_one_lost_packet() {
    if !is_privileged() {
        return;
    }
    for send in [DnsBed::query, DnsBed::respond] {
        let bed = DnsBed::new(Settings {
            cache_max_flows: 50,
            ..with_dns()
        });
        for port in 4000..4080 {
            send(&bed, port, &message(port, 0x8180, "a.b"));
        }
        let (records, counters) = bed.agent.stop();
        assert_eq!((packets(&records), lost_packets(&counters)), (50, 30));
        assert_eq!(counters.get(Counter::UpdateDnsFailed), 0);
    }
}

#[test]
fn unanswered_queries_are_forgotten() {
    if !is_privileged() {
        return;
    }
    let mut bed = DnsBed::new(with_dns());
    bed.query(4000, &message(5, 0x0100, "a.b"));
    bed.agent.forget_queries_after(Duration::ZERO);
    // The first eviction may read its clock before the query was stamped.
    let forgotten = bed.agent.evict().stale_dns_queries + bed.agent.evict().stale_dns_queries;
    assert_eq!(forgotten, 1);
    bed.respond(4000, &message(5, 0x8180, "a.b"));
    let (records, _) = bed.agent.stop();
    assert_eq!(to_port(&records, 4000)[0].dns_errno, 2);
}

#[test]
fn odd_dns_packets_do_no_harm() {
    if !is_privileged() {
        return;
    }
    let bed = DnsBed::new(with_dns());
    let whole = message(9, 0x8180, "example.com");
    let mut sent = 0;
    // Every length, among them inside of the header, of the name, and nothing at all.
    for length in 0..whole.len() {
        bed.respond(5000 + length as u16, &whole[..length]);
        sent += 1;
    }
    for (port, name) in [
        (6000, &b"\xc0\x0c"[..]),
        (6001, b"\x3f"),
        (6002, b"\xff\xff\xff\xff"),
        (6003, b"\x01\0\x01\0"),
        (6004, &[1; 300]),
        (6005, &[63; 500]),
    ] {
        bed.respond(port, &[&message(9, 0x8180, "")[..12], name].concat());
        sent += 1;
    }
    for flags in [0x02, 0x10, 0x18] {
        for payload in [&b""[..], b"\0", &[0; 13], &[255; 40]] {
            let segment = frames::tcp(53, 7000, flags, payload);
            bed.resolver.send(&frames::packet(
                &[],
                RESOLVER,
                CLIENT,
                frames::TCP,
                &segment,
                Ip::default(),
            ));
            sent += 1;
        }
    }
    let sctp = frames::sctp(53, 7001, &[0; 40]);
    bed.resolver.send(&frames::packet(
        &[],
        RESOLVER,
        CLIENT,
        frames::SCTP,
        &sctp,
        Ip::default(),
    ));
    sent += 1;
    let (records, counters) = bed.agent.stop();
    assert_eq!(packets(&records) + lost_packets(&counters), sent);
    assert_eq!(to_port(&records, 5000)[0].dns_errno, 14, "no header at all");
    assert_eq!(to_port(&records, 5000 + 12)[0].dns_name, "", "no name");
    assert_eq!(
        to_port(&records, 5000 + 22)[0].dns_name,
        "example",
        "half a name"
    );
    assert_eq!(
        to_port(&records, 7001)[0].dns_errno,
        22,
        "DNS does not run over SCTP"
    );
}

#[test]
fn a_response_over_tcp_is_matched() {
    if !is_privileged() {
        return;
    }
    let bed = DnsBed::new(with_dns());
    let framed = |message: &[u8]| [&(message.len() as u16).to_be_bytes()[..], message].concat();
    let query = frames::tcp(4000, 53, 0x18, &framed(&message(3, 0x0100, "over.tcp")));
    bed.client.send(&frames::packet(
        &[],
        CLIENT,
        RESOLVER,
        frames::TCP,
        &query,
        Ip::default(),
    ));
    let response = frames::tcp(53, 4000, 0x18, &framed(&message(3, 0x8180, "over.tcp")));
    bed.resolver.send(&frames::packet(
        &[],
        RESOLVER,
        CLIENT,
        frames::TCP,
        &response,
        Ip::default(),
    ));
    let (records, _) = bed.agent.stop();
    let response = to_port(&records, 4000)[0];
    assert_eq!(
        (
            response.dns_id,
            response.dns_errno,
            response.dns_name.as_str()
        ),
        (3, 0, "over.tcp")
    );
    assert!(response.dns_latency.is_some());
}

#[test]
fn another_port_is_tracked_besides_53_and_no_third() {
    if !is_privileged() {
        return;
    }
    let bed = DnsBed::new(Settings {
        dns_port: Some(5353),
        ..settings()
    });
    for (client, server) in [(4000, 53), (4001, 5353), (4002, 5354)] {
        bed.query_at(server, client, &message(client, 0x0100, "a.b"));
        bed.respond_from(server, client, &message(client, 0x8180, "a.b"));
    }
    let (records, _) = bed.agent.stop();
    for (client, is_tracked) in [(4000, true), (4001, true), (4002, false)] {
        let response = to_port(&records, client)[0];
        let found = (response.dns_id, response.dns_latency.is_some());
        let id = if is_tracked { u32::from(client) } else { 0 };
        assert_eq!(found, (id, is_tracked), "{client}");
    }
}

#[test]
fn without_the_feature_nothing_of_dns_is_recorded() {
    if !is_privileged() {
        return;
    }
    let bed = DnsBed::new(settings());
    bed.query(4000, &message(3, 0x0100, "a.b"));
    bed.respond(4000, &message(3, 0x8180, "a.b"));
    let (records, _) = bed.agent.stop();
    assert_eq!(packets(&records), 2);
    assert!(
        records
            .iter()
            .all(|record| record.dns_id == 0 && record.dns_errno == 0)
    );
}
