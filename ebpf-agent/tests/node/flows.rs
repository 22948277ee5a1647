//! Every packet that crosses a watched interface is in exactly one flow, or counted as lost.

use std::{
    collections::HashMap,
    io::{Read as _, Write as _},
    net::{IpAddr, TcpListener, TcpStream, UdpSocket},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    agent::{Agent, Record, bytes, lost_packets, packets, settings},
    frames::{self, Ip, numbered},
    is_privileged, let_pass,
    netns::{Namespace, connect, veth},
    tun::SlowLink,
};
use netobserv_ebpf_agent::kernel::Settings;

/// Longer than a loaded machine needs for anything here.
const PATIENCE: Duration = Duration::from_mins(1);

/// Two namespaces joined by `a` (in the first) and `b`.
fn pair() -> (Namespace, Namespace) {
    let (watched, peer) = (Namespace::new(1), Namespace::new(2));
    veth((&watched, "a"), (&peer, "b"));
    (watched, peer)
}

/// Which side of the link is watched.
#[derive(Clone, Copy, PartialEq)]
enum Hook {
    /// The kernel has moved the outermost tag out of the packet.
    Ingress,
    /// The packet is as it was sent.
    Egress,
}

fn every_kind_is_counted(hook: Hook) {
    if !is_privileged() {
        return;
    }
    let (watched, peer) = pair();
    let mut agent = Agent::start(&settings());
    agent.attach(&match hook {
        Hook::Ingress => watched.interface("a"),
        Hook::Egress => peer.interface("b"),
    });
    let sender = peer.frame_sender("b");
    let tags = [(0x88a8, 7), (0x8100, 42)];
    let hop_by_hop: (u8, &[u8]) = (0, &[0, 5, 2, 0, 0, 1, 0]);
    let destination: (u8, &[u8]) = (60, &[0, 1, 4, 0, 0, 0, 0]);
    let extensions = [hop_by_hop, destination];
    // Each kind has a destination of its own, so that each is one flow.
    let mut expected: HashMap<IpAddr, (u64, u64, u8)> = HashMap::new();
    let mut kind = 0_u8;
    for tag_count in 0..=2 {
        for is_odd in [false, true] {
            for is_ipv6 in [false, true] {
                for (protocol, transport) in [
                    (frames::TCP, frames::tcp(1, 2, 0x10, b"tcp")),
                    (frames::UDP, frames::udp(1, 2, b"udp")),
                    (frames::SCTP, frames::sctp(1, 2, b"sctp")),
                    (frames::ICMP, frames::icmp(8, 0, b"icmp")),
                    (frames::ICMPV6, frames::icmp(128, 0, b"icmp6")),
                    (47, b"\0\0\x08\0 other".to_vec()),
                ] {
                    kind += 1;
                    let (source, target): (IpAddr, IpAddr) = if is_ipv6 {
                        (
                            "fd00::ffff".parse().unwrap(),
                            format!("fd00::{kind}").parse().unwrap(),
                        )
                    } else {
                        (
                            IpAddr::from([10, 0, 0, 255]),
                            IpAddr::from([10, 0, 0, kind]),
                        )
                    };
                    let ip = match (is_odd, is_ipv6) {
                        (false, _) => Ip::default(),
                        (true, false) => Ip {
                            options: &[1; 8],
                            ..Ip::default()
                        },
                        (true, true) => Ip {
                            extensions: &extensions,
                            ..Ip::default()
                        },
                    };
                    let frame = frames::packet(
                        &tags[..tag_count],
                        source,
                        target,
                        protocol,
                        &transport,
                        ip,
                    );
                    let count = u64::from(kind) % 5 + 1;
                    for _ in 0..count {
                        sender.send(&frame);
                    }
                    let taken_out = if hook == Hook::Ingress && tag_count > 0 {
                        4
                    } else {
                        0
                    };
                    expected.insert(
                        target,
                        (count, count * (frame.len() as u64 - taken_out), protocol),
                    );
                }
            }
        }
    }
    let (records, counters) = agent.stop();
    let found: HashMap<IpAddr, (u64, u64, u8)> = records
        .iter()
        .map(|record| {
            let transport = record.transport.unwrap();
            let has_ports = [frames::TCP, frames::UDP, frames::SCTP]
                .map(u32::from)
                .contains(&transport.protocol);
            assert_eq!(
                (transport.src_port, transport.dst_port),
                if has_ports { (1, 2) } else { (0, 0) }
            );
            assert_eq!(record.direction, i32::from(hook == Hook::Egress));
            let link = record.data_link.unwrap();
            assert_eq!(
                (link.src_mac, link.dst_mac),
                (0x0200_0000_0001, 0x0200_0000_0002)
            );
            (
                destination_of(record),
                (record.packets, record.bytes, transport.protocol as u8),
            )
        })
        .collect();
    assert_eq!(found, expected);
    assert_eq!(records.len(), expected.len(), "one record a flow");
    assert_eq!(lost_packets(&counters), 0);
}

fn destination_of(record: &Record) -> IpAddr {
    use crate::support::agent::pbflow::ip::IpFamily::{Ipv4, Ipv6};
    let network = record.network.as_ref().unwrap();
    match network
        .dst_addr
        .as_ref()
        .unwrap()
        .ip_family
        .as_ref()
        .unwrap()
    {
        Ipv4(address) => IpAddr::from(address.to_be_bytes()),
        Ipv6(address) => IpAddr::from(<[u8; 16]>::try_from(&address[..]).unwrap()),
    }
}

#[test]
fn packets_of_every_kind_are_counted_where_they_arrive() {
    every_kind_is_counted(Hook::Ingress);
}

#[test]
fn packets_of_every_kind_are_counted_where_they_leave() {
    every_kind_is_counted(Hook::Egress);
}

#[test]
fn with_a_full_map_flows_and_counted_losses_are_all_packets() {
    if !is_privileged() {
        return;
    }
    for (map_size, flows) in [(100, 1000), (5000, 8000)] {
        let (watched, peer) = pair();
        let mut agent = Agent::start(&Settings {
            cache_max_flows: map_size,
            ..settings()
        });
        agent.attach(&watched.interface("a"));
        let sender = peer.frame_sender("b");
        for round in 0..3 {
            for flow in 0..flows {
                sender.send(&numbered(flow, round));
            }
        }
        let (records, counters) = agent.stop();
        assert_eq!(
            records.len() as u32,
            map_size,
            "the map is filled to its last place"
        );
        let lost = lost_packets(&counters);
        assert_eq!(packets(&records) + lost, 3 * u64::from(flows));
        assert_eq!(lost, 3 * u64::from(flows - map_size));
    }
}

#[test]
fn under_load_with_an_eviction_every_100_ms_nothing_is_lost() {
    if !is_privileged() {
        return;
    }
    let (watched, peer) = pair();
    let mut agent = Agent::start(&Settings {
        cache_max_flows: 10_000,
        ..settings()
    });
    agent.attach(&watched.interface("a"));
    let (sent_packets, sent_bytes) = (AtomicU64::new(0), AtomicU64::new(0));
    let is_done = AtomicBool::new(false);
    let mut evictions = 0;
    thread::scope(|scope| {
        for seed in 0..2_u32 {
            let (sent_packets, sent_bytes, is_done, peer) =
                (&sent_packets, &sent_bytes, &is_done, &peer);
            scope.spawn(move || {
                let sender = peer.frame_sender("b");
                // Both threads send the same flows, so that processors meet in one entry.
                let frames: Vec<_> = (0..2048)
                    .map(|flow| numbered(flow, 1 + flow as usize % 64))
                    .collect();
                let (mut packets, mut bytes) = (0, 0);
                for step in (0..frames.len()).cycle().skip(seed as usize * 1000) {
                    if is_done.load(Ordering::Relaxed) {
                        break;
                    }
                    sender.send(&frames[step]);
                    packets += 1;
                    bytes += frames[step].len() as u64;
                }
                sent_packets.fetch_add(packets, Ordering::Relaxed);
                sent_bytes.fetch_add(bytes, Ordering::Relaxed);
            });
        }
        let started = Instant::now();
        while evictions < 20 || started.elapsed() < Duration::from_secs(2) {
            let tick = Instant::now();
            agent.evict();
            evictions += 1;
            // The period of evictions.
            let_pass(Duration::from_millis(100).saturating_sub(tick.elapsed()));
        }
        is_done.store(true, Ordering::Relaxed);
    });
    let (records, counters) = agent.stop();
    eprintln!(
        "{} packets, {evictions} evictions, {} records",
        sent_packets.load(Ordering::Relaxed),
        records.len()
    );
    assert_eq!(lost_packets(&counters), 0);
    assert_eq!(packets(&records), sent_packets.load(Ordering::Relaxed));
    assert_eq!(bytes(&records), sent_bytes.load(Ordering::Relaxed));
}

/// Of the sampling test.
const PACKETS: u64 = 20_000;
const INTERVAL: u32 = 10;

#[test]
fn sampling_takes_one_packet_in_so_many() {
    if !is_privileged() {
        return;
    }
    let (watched, peer) = pair();
    let mut agent = Agent::start(&Settings {
        sampling: INTERVAL,
        ..settings()
    });
    agent.attach(&watched.interface("a"));
    let sender = peer.frame_sender("b");
    let frame = numbered(1, 10);
    for _ in 0..PACKETS {
        sender.send(&frame);
    }
    let (records, _) = agent.stop();
    assert!(records.iter().all(|record| record.sampling == INTERVAL));
    // Seven standard deviations of a binomial distribution: fails by chance once in 10^11 runs.
    let (expected, deviation) = (2000_i64, 7 * 43);
    let found = packets(&records) as i64;
    assert!((found - expected).abs() < deviation, "{found} packets");
}

#[test]
fn a_packet_seen_at_two_interfaces_of_equal_index_is_counted_once() {
    if !is_privileged() {
        return;
    }
    let (watched, peer) = pair();
    let (near, far) = (watched.interface("a"), peer.interface("b"));
    assert_eq!(near.index, far.index, "the test is about equal numbers");
    let mut agent = Agent::start(&settings());
    agent.attach(&near);
    agent.attach(&far);
    let sender = peer.frame_sender("b");
    let frame = numbered(1, 10);
    for _ in 0..10 {
        sender.send(&frame);
    }
    let (records, _) = agent.stop();
    assert_eq!(records.len(), 1);
    assert_eq!(packets(&records), 10);
    let seen: Vec<_> = records[0]
        .dup_list
        .iter()
        .map(|entry| (entry.interface.as_str(), entry.direction))
        .collect();
    assert_eq!(seen, [("2:2", 1), ("1:2", 0)]);
}

#[test]
fn a_real_connection_has_the_bytes_that_the_interface_counted() {
    if !is_privileged() {
        return;
    }
    let (watched, peer) = pair();
    connect((&watched, "a", "10.0.0.1"), (&peer, "b", "10.0.0.2"));
    let mut agent = Agent::start(&settings());
    agent.attach(&watched.interface("a"));
    let listener = watched.run(|| TcpListener::bind("10.0.0.1:0").unwrap());
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut received = Vec::new();
        stream.read_to_end(&mut received).unwrap();
        stream.write_all(b"thanks").unwrap();
        received.len()
    });
    peer.run(|| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(&vec![7; 3_000_000]).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "thanks");
    });
    assert_eq!(server.join().unwrap(), 3_000_000);
    // The last acknowledgement may still be on its way.
    let deadline = Instant::now() + Duration::from_mins(1);
    while !is_closed(&watched) || !is_closed(&peer) {
        assert!(Instant::now() < deadline, "the connection stays open");
    }
    let received = watched.statistic("a", "rx_bytes");
    let sent = watched.statistic("a", "tx_bytes");
    let (records, counters) = agent.stop();
    let of = |direction| -> Vec<Record> {
        records
            .iter()
            .filter(|record| record.direction == direction)
            .cloned()
            .collect()
    };
    assert_eq!(lost_packets(&counters), 0);
    assert_eq!(bytes(&of(0)), received);
    assert_eq!(bytes(&of(1)), sent);
    let flags = of(0).iter().fold(0, |flags, record| flags | record.flags);
    assert_eq!(flags & 0x212, 0x212, "SYN, ACK and FIN+ACK: {flags:#x}");
}

/// Whether no connection is left but those that wait for their number to be reusable.
fn is_closed(namespace: &Namespace) -> bool {
    namespace
        .command("ss -Htan")
        .lines()
        .all(|line| line.starts_with("TIME-WAIT"))
}

#[test]
fn a_device_without_ethernet_is_read_right_whatever_the_addresses() {
    if !is_privileged() {
        return;
    }
    // In a frame, 8.0.69 would be the ethertype of IPv4 and the start of its header.
    let (near, far) = ("8.0.69.1", "8.0.69.2");
    let (watched, peer) = (Namespace::new(1), Namespace::new(2));
    let _link = SlowLink::new(
        (&watched, "tun0", near),
        (&peer, "tun1", far),
        Duration::ZERO,
    );
    let mut agent = Agent::start(&settings());
    agent.attach(&watched.interface("tun0"));
    let receiver = peer.run(|| UdpSocket::bind((far, 7000)).unwrap());
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    let sender = watched.run(|| UdpSocket::bind((near, 7001)).unwrap());
    for _ in 0..3 {
        sender.send_to(&[7; 60], (far, 7000)).unwrap();
        receiver.recv(&mut [0; 60]).unwrap();
    }
    let (records, _) = agent.stop();
    let [record] = &records[..] else {
        panic!("{records:#?}");
    };
    let transport = record.transport.unwrap();
    assert_eq!((transport.src_port, transport.dst_port), (7001, 7000));
    assert_eq!((record.packets, record.bytes), (3, 3 * (20 + 8 + 60)));
    let link = record.data_link.unwrap();
    assert_eq!((link.src_mac, link.dst_mac), (0, 0));
}
