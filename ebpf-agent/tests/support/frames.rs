//! Frames, byte by byte.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub const SOURCE_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
pub const DESTINATION_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];

pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
pub const ICMP: u8 = 1;
pub const ICMPV6: u8 = 58;
pub const SCTP: u8 = 132;

/// Ethernet, with the tags (ethertype and VLAN number) from the outermost in.
pub fn ethernet(tags: &[(u16, u16)], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = [DESTINATION_MAC, SOURCE_MAC].concat();
    for (tag, vlan) in tags {
        frame.extend(tag.to_be_bytes());
        frame.extend(vlan.to_be_bytes());
    }
    frame.extend(ethertype.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A UDP frame of one of many flows.
pub fn numbered(flow: u32, payload: usize) -> Vec<u8> {
    let source = IpAddr::from([10, 1, (flow >> 8) as u8, flow as u8]);
    let port = 1024 + (flow >> 16) as u16;
    let transport = udp(port, 9, &vec![0; payload]);
    packet(
        &[],
        source,
        IpAddr::from([10, 0, 0, 1]),
        UDP,
        &transport,
        Ip::default(),
    )
}

/// What is peculiar about an IP header.
#[derive(Clone, Copy, Default)]
pub struct Ip<'a> {
    pub dscp: u8,
    /// IPv4 options, a multiple of 4 bytes; or IPv6 extension headers as (number, body after the two first bytes).
    pub options: &'a [u8],
    pub extensions: &'a [(u8, &'a [u8])],
    /// Fragment offset in 8 bytes and "more fragments" (IPv4).
    pub fragment: u16,
}

/// An IP packet in an Ethernet frame.
pub fn packet(
    tags: &[(u16, u16)],
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    transport: &[u8],
    ip: Ip<'_>,
) -> Vec<u8> {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => ethernet(
            tags,
            0x0800,
            &ipv4(source, destination, protocol, transport, ip),
        ),
        (IpAddr::V6(source), IpAddr::V6(destination)) => ethernet(
            tags,
            0x86dd,
            &ipv6(source, destination, protocol, transport, ip),
        ),
        _ => panic!("two families in one packet"),
    }
}

pub fn ipv4(
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: u8,
    payload: &[u8],
    ip: Ip<'_>,
) -> Vec<u8> {
    let header = 20 + ip.options.len();
    let mut packet = vec![0x40 | (header / 4) as u8, ip.dscp << 2];
    packet.extend(((header + payload.len()) as u16).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(ip.fragment.to_be_bytes());
    packet.extend([64, protocol, 0, 0]);
    packet.extend(source.octets());
    packet.extend(destination.octets());
    packet.extend(ip.options);
    let sum = packet
        .chunks_exact(2)
        .map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])))
        .sum::<u32>();
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    packet[10..12].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    packet.extend(payload);
    packet
}

pub fn ipv6(
    source: Ipv6Addr,
    destination: Ipv6Addr,
    protocol: u8,
    payload: &[u8],
    ip: Ip<'_>,
) -> Vec<u8> {
    let mut body = Vec::new();
    for (index, (_, extension)) in ip.extensions.iter().enumerate() {
        body.push(ip.extensions.get(index + 1).map_or(protocol, |next| next.0));
        body.extend(*extension);
    }
    body.extend(payload);
    let mut packet = vec![0x60 | ip.dscp >> 2, ip.dscp << 6, 0, 0];
    packet.extend((body.len() as u16).to_be_bytes());
    packet.extend([ip.extensions.first().map_or(protocol, |first| first.0), 64]);
    packet.extend(source.octets());
    packet.extend(destination.octets());
    packet.extend(body);
    packet
}

pub fn tcp(source: u16, destination: u16, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = Vec::new();
    segment.extend(source.to_be_bytes());
    segment.extend(destination.to_be_bytes());
    segment.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 1, 0, 0, 0, 0, 0]);
    segment.extend(payload);
    segment
}

pub fn udp(source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    datagram.extend(source.to_be_bytes());
    datagram.extend(destination.to_be_bytes());
    datagram.extend(((8 + payload.len()) as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    datagram
}

pub fn sctp(source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    packet.extend(source.to_be_bytes());
    packet.extend(destination.to_be_bytes());
    packet.extend([0; 8]);
    packet.extend(payload);
    packet
}

pub fn icmp(kind: u8, code: u8, payload: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, code, 0, 0, 0, 0, 0, 0];
    message.extend(payload);
    message
}
