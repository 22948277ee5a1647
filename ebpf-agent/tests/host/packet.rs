//! The parsers of the kernel programs, on the host: tables of frames, and any bytes at all.

#[path = "../support/frames.rs"]
#[allow(dead_code, reason = "the node tests use the rest")]
mod frames;

use std::net::IpAddr;

use frames::{ICMP, ICMPV6, Ip, SCTP, TCP, UDP};
use netobserv_ebpf_kernel::{
    bytes::Slice,
    packet::{
        self, Packet,
        dns::{self, Kind, Message},
    },
};

fn parse(bytes: &[u8]) -> Option<Packet> {
    let slice = Slice {
        bytes,
        ethertype: 0,
    };
    let mut usual = Packet::default();
    let is_usual = packet::usual(&slice, &mut usual).is_some();
    let mut parsed = Packet::default();
    let answer = packet::parse(&slice, &mut parsed).map(|()| parsed);
    if is_usual {
        assert_eq!(answer, Some(usual), "both ways to read a frame agree");
    }
    answer
}

/// Reads a packet of a device without link header, which says that it is of this ethertype.
fn parse_network(bytes: &[u8], ethertype: u16) -> Option<Packet> {
    let slice = Slice { bytes, ethertype };
    let mut parsed = Packet::default();
    packet::parse_network(&slice, &mut parsed).map(|()| parsed)
}

fn v4() -> (IpAddr, IpAddr) {
    ("10.1.2.3".parse().unwrap(), "10.1.2.4".parse().unwrap())
}

fn v6() -> (IpAddr, IpAddr) {
    ("fd00::1".parse().unwrap(), "fd00::2".parse().unwrap())
}

/// Protocol, ports, ICMP type and code, flags.
type Transport = (u8, (u16, u16), (u8, u8), u32);

#[track_caller]
fn check(frame: &[u8], addresses: (IpAddr, IpAddr), expected: Transport) -> Packet {
    let packet = parse(frame).expect("an IP packet");
    check_packet(packet, addresses, expected)
}

#[track_caller]
fn check_packet(
    packet: Packet,
    (source, destination): (IpAddr, IpAddr),
    expected: Transport,
) -> Packet {
    let octets = |address: IpAddr| match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    };
    let bytes = |words: [u32; 4]| words.map(u32::to_ne_bytes).concat();
    assert_eq!(bytes(packet.key.source), octets(source));
    assert_eq!(bytes(packet.key.destination), octets(destination));
    let key = packet.key;
    let found = (
        key.protocol(),
        (key.source_port(), key.destination_port()),
        (key.icmp_type(), key.icmp_code()),
        packet.flags,
    );
    assert_eq!(found, expected);
    packet
}

/// Two tags, as providers stack them.
const TAGS: [(u16, u16); 2] = [(0x88a8, 7), (0x8100, 42)];

#[test]
fn every_protocol_is_read_in_every_envelope() {
    let transports: [(Vec<u8>, Transport); 5] = [
        (
            frames::tcp(4000, 443, 0x02, b""),
            (TCP, (4000, 443), (0, 0), 0x02),
        ),
        (frames::udp(4000, 53, b"x"), (UDP, (4000, 53), (0, 0), 0)),
        (
            frames::sctp(4000, 38412, b""),
            (SCTP, (4000, 38412), (0, 0), 0),
        ),
        (frames::icmp(8, 0, b""), (ICMP, (0, 0), (8, 0), 0)),
        (frames::icmp(129, 3, b""), (ICMPV6, (0, 0), (129, 3), 0)),
    ];
    let hop_by_hop: (u8, &[u8]) = (0, &[0, 5, 2, 0, 0, 1, 0]);
    let routing: (u8, &[u8]) = (43, &[1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let first_fragment: (u8, &[u8]) = (44, &[0, 0, 1, 0, 0, 0, 9]);
    let authentication: (u8, &[u8]) = (51, &[1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
    let destination: (u8, &[u8]) = (60, &[0, 1, 4, 0, 0, 0, 0]);
    let all = [
        hop_by_hop,
        destination,
        routing,
        first_fragment,
        authentication,
    ];
    for (transport, expected) in transports {
        for tags in [&TAGS[..0], &TAGS[1..], &TAGS[..]] {
            for options in [&[][..], &[1; 4], &[1; 40]] {
                let ip = Ip {
                    dscp: 46,
                    options,
                    ..Ip::default()
                };
                let frame = frames::packet(tags, v4().0, v4().1, expected.0, &transport, ip);
                let packet = check(&frame, v4(), expected);
                assert_eq!((packet.ethertype, packet.dscp), (0x0800, 46));
            }
            for extensions in [&all[..0], &all[..1], &all[4..], &all[..]] {
                let ip = Ip {
                    dscp: 10,
                    extensions,
                    ..Ip::default()
                };
                let frame = frames::packet(tags, v6().0, v6().1, expected.0, &transport, ip);
                let packet = check(&frame, v6(), expected);
                assert_eq!((packet.ethertype, packet.dscp), (0x86dd, 10));
            }
        }
    }
}

#[test]
fn fragments_after_the_first_have_no_ports() {
    let transport = frames::udp(4000, 53, b"x");
    for (fragment, ports) in [
        (0x2000, (4000, 53)),
        (0x2001, (0, 0)),
        (0x0001, (0, 0)),
        (0x4000, (4000, 53)),
    ] {
        let ip = Ip {
            fragment,
            ..Ip::default()
        };
        let frame = frames::packet(&[], v4().0, v4().1, UDP, &transport, ip);
        check(&frame, v4(), (UDP, ports, (0, 0), 0));
    }
    let later: (u8, &[u8]) = (44, &[0, 0, 9, 0, 0, 0, 9]);
    let ip = Ip {
        extensions: &[later],
        ..Ip::default()
    };
    let frame = frames::packet(&[], v6().0, v6().1, UDP, &transport, ip);
    check(&frame, v6(), (UDP, (0, 0), (0, 0), 0));
}

#[test]
fn a_packet_cut_inside_of_its_transport_header_keeps_its_flow_without_ports() {
    let frame = frames::packet(
        &[],
        v4().0,
        v4().1,
        TCP,
        &frames::tcp(1, 2, 2, b""),
        Ip::default(),
    );
    for length in 34..50 {
        check(&frame[..length], v4(), (TCP, (0, 0), (0, 0), 0));
    }
    for length in 0..34 {
        assert_eq!(parse(&frame[..length]), None, "{length} bytes");
    }
}

#[test]
fn what_is_not_ip_is_ignored() {
    let mut wrong_version = frames::packet(
        &[],
        v4().0,
        v4().1,
        TCP,
        &frames::tcp(1, 2, 2, b""),
        Ip::default(),
    );
    wrong_version[14] = 0x65;
    let mut short_header = frames::packet(
        &[],
        v4().0,
        v4().1,
        TCP,
        &frames::tcp(1, 2, 2, b""),
        Ip::default(),
    );
    short_header[14] = 0x44;
    let three_tags = [(0x8100, 1), (0x8100, 2), (0x8100, 3)];
    for frame in [
        frames::ethernet(&[], 0x0806, &[0; 28]),
        frames::packet(
            &three_tags,
            v4().0,
            v4().1,
            TCP,
            &frames::tcp(1, 2, 2, b""),
            Ip::default(),
        ),
        wrong_version,
        short_header,
    ] {
        assert_eq!(parse(&frame), None);
    }
}

#[test]
fn devices_without_ethernet_are_read_from_the_network_header_whatever_the_addresses() {
    // Where a frame has its ethertype, these have 0x0800, 0x8100, 0x88a8 and 0x86dd, some with a version behind it.
    let sources = [
        ("10.1.2.3", "10.1.2.4"),
        ("8.0.69.1", "10.0.0.1"),
        ("8.0.69.1", "0.60.0.1"),
        ("8.0.1.1", "10.0.0.1"),
        ("129.0.8.0", "69.0.0.40"),
        ("136.168.8.0", "69.0.0.40"),
        ("134.221.96.1", "10.0.0.1"),
        ("2001:db8:800:4500::1", "fd00::2"),
        ("2001:db8:8100:1:800:4500::1", "fd00::2"),
        ("2001:db8:86dd:6000::1", "fd00::2"),
    ];
    for (source, destination) in sources {
        let addresses: (IpAddr, IpAddr) = (source.parse().unwrap(), destination.parse().unwrap());
        let transport = frames::udp(3, 4, &[0x45; 60]);
        let frame = frames::packet(
            &[],
            addresses.0,
            addresses.1,
            UDP,
            &transport,
            Ip::default(),
        );
        let (ethertype, other) = if addresses.0.is_ipv4() {
            (0x0800, 0x86dd)
        } else {
            (0x86dd, 0x0800)
        };
        let packet = parse_network(&frame[14..], ethertype).expect(source);
        let packet = check_packet(packet, addresses, (UDP, (3, 4), (0, 0), 0));
        assert_eq!((packet.has_ethernet, packet.ethertype), (false, ethertype));
        assert_eq!(
            parse_network(&frame[14..], other),
            None,
            "the version disagrees with the device"
        );
        assert_eq!(parse_network(&frame[14..14 + 19], ethertype), None);
        assert_eq!(
            parse(&frame).map(|packet| packet.key),
            Some(packet.key),
            "the same flow with and without Ethernet"
        );
    }
}

#[test]
fn endless_extension_headers_end() {
    let empty: (u8, &[u8]) = (60, &[0, 1, 4, 0, 0, 0, 0]);
    let ip = Ip {
        extensions: &[empty; 9],
        ..Ip::default()
    };
    let frame = frames::packet(&[], v6().0, v6().1, UDP, &frames::udp(1, 2, b""), ip);
    check(&frame, v6(), (60, (0, 0), (0, 0), 0));
}

#[test]
fn each_packet_gives_one_tcp_flag() {
    let cases = [
        (0x12, 0x100),
        (0x13, 0x100),
        (0x11, 0x200),
        (0x14, 0x400),
        (0x15, 0x200),
        (0x01, 0x01),
        (0x03, 0x01),
        (0x02, 0x02),
        (0x10, 0x10),
        (0x18, 0x10),
        (0x04, 0x04),
        (0x0c, 0x04),
        (0x08, 0x08),
        (0x20, 0x20),
        (0x28, 0x08),
        (0x40, 0x40),
        (0xc0, 0x40),
        (0x80, 0x80),
        (0, 0),
    ];
    for (header, expected) in cases {
        let frame = frames::packet(
            &[],
            v4().0,
            v4().1,
            TCP,
            &frames::tcp(1, 2, header, b""),
            Ip::default(),
        );
        check(&frame, v4(), (TCP, (1, 2), (0, 0), expected));
    }
}

fn dns_message(protocol: u8, transport: &[u8]) -> Message {
    let frame = frames::packet(&[], v4().0, v4().1, protocol, transport, Ip::default());
    let packet = parse(&frame).unwrap();
    dns::parse(
        &Slice {
            bytes: &frame,
            ethertype: 0,
        },
        &packet,
        frame.len(),
    )
}

const DNS_HEADER: [u8; 12] = [0x12, 0x34, 0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0];

#[test]
fn dns_headers_are_found_behind_udp_and_tcp() {
    let over_udp = dns_message(UDP, &frames::udp(53, 4000, &DNS_HEADER));
    let expected = Message {
        kind: Kind::Header,
        errno: 0,
        id: 0x1234,
        flags: 0x8183,
        name_offset: 14 + 20 + 8 + 12,
        has_question: true,
    };
    assert_eq!(over_udp, expected);
    assert!(over_udp.is_response());

    let framed = [&[0, 12][..], &DNS_HEADER, b"\x01a\0"].concat();
    let over_tcp = dns_message(TCP, &frames::tcp(53, 4000, 0x18, &framed));
    assert_eq!(
        over_tcp,
        Message {
            name_offset: 14 + 20 + 20 + 2 + 12,
            ..expected
        }
    );
}

#[test]
fn odd_dns_packets_end_as_error_numbers_or_nothing() {
    let broken = |errno| Message {
        kind: Kind::Broken,
        errno,
        ..Message::default()
    };
    assert_eq!(
        dns_message(UDP, &frames::udp(53, 4000, &DNS_HEADER[..11])),
        broken(14)
    );
    assert_eq!(dns_message(UDP, &frames::udp(53, 4000, b"")), broken(14));
    assert_eq!(
        dns_message(SCTP, &frames::sctp(53, 4000, &DNS_HEADER)),
        broken(22)
    );
    for flags in [0x02, 0x12, 0x10, 0x11] {
        assert_eq!(
            dns_message(TCP, &frames::tcp(53, 4000, flags, b"")),
            Message::default()
        );
    }
    let mut bad_offset = frames::tcp(53, 4000, 0x18, &DNS_HEADER);
    bad_offset[12] = 0x40;
    assert_eq!(dns_message(TCP, &bad_offset), broken(22));
}
