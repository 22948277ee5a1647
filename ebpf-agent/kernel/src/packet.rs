//! From the first byte of a frame to the key of its flow: Ethernet, VLAN tags, IPv4 and IPv6.
//!
//! Called once per packet by the flow programs. [`usual`] knows the frames that nearly all packets are, at constant
//! offsets, which is fast to run and to verify; [`parse`] knows them all. [`parse_network`] is for devices whose packets
//! have no link header: which of them a device needs cannot be told from its packets, since an address of theirs stands
//! where the ethertype would be.
//!
//! **Invariant:** where [`usual`] answers, [`parse`] answers the same. What is not an IP packet, or ends inside of its
//! network header, has no answer; a packet that is cut later keeps its place in a flow, with what was cut off at 0.

mod transport;

pub mod dns;

use netobserv_ebpf_abi::{Address, ETHERTYPE_IPV4, ETHERTYPE_IPV6, FlowKey, mapped};

use crate::bytes::Bytes;

const ETHERNET_LENGTH: usize = 14;
const ETHERTYPE_VLAN: u16 = 0x8100;
const ETHERTYPE_SERVICE_VLAN: u16 = 0x88a8;
const VLAN_TAG_LENGTH: usize = 4;
const VLAN_TAGS_MAX: usize = 2;
const IPV4_LENGTH: usize = 20;
const IPV6_LENGTH: usize = 40;
/// Instead of an offset, for later fragments and what cannot be read: no transport header starts there.
const NO_TRANSPORT: usize = 0;

/// IPv6 headers that stand between the fixed header and the transport.
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;
/// RFC 8200 names at most seven in a row; longer chains are hostile, and their flow has the eighth as its protocol.
const EXTENSION_HEADERS_MAX: usize = 7;

/// What a packet says of its flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packet {
    pub key: FlowKey,
    pub ethertype: u16,
    pub dscp: u16,
    /// TCP flags in the export's form, see [`transport::tcp_flags`].
    pub flags: u32,
    /// Where the transport header starts; 0 if there is none in this packet (a later fragment).
    pub transport_offset: u32,
    pub has_ethernet: bool,
}

/// Reads a frame without tags, options and extension headers, whose headers are all readable.
#[inline(always)]
pub fn usual<B: Bytes>(bytes: &B, packet: &mut Packet) -> Option<()> {
    packet.has_ethernet = true;
    packet.ethertype = u16::from_be(bytes.read(12)?);
    let (protocol, offset, usual_offset) = match packet.ethertype {
        ETHERTYPE_IPV4 => {
            let (protocol, offset) = ipv4(bytes, ETHERNET_LENGTH, packet)?;
            (protocol, offset, ETHERNET_LENGTH + IPV4_LENGTH)
        }
        ETHERTYPE_IPV6 => {
            let (protocol, offset) = ipv6(bytes, ETHERNET_LENGTH, packet)?;
            (protocol, offset, ETHERNET_LENGTH + IPV6_LENGTH)
        }
        _ => return None,
    };
    if offset != usual_offset || is_extension(protocol) {
        return None;
    }
    transport::read(bytes, usual_offset, protocol, packet)
}

/// Reads any Ethernet frame.
#[inline(always)]
pub fn parse<B: Bytes>(bytes: &B, packet: &mut Packet) -> Option<()> {
    let (ethertype, offset) = ethernet(bytes)?;
    *packet = Packet {
        ethertype,
        has_ethernet: true,
        ..Packet::default()
    };
    network(bytes, offset, packet)
}

/// Reads any packet that starts with its network header. The device's word and the version in the first byte must agree.
#[inline(always)]
pub fn parse_network<B: Bytes>(bytes: &B, packet: &mut Packet) -> Option<()> {
    let version = bytes.read::<u8>(0)? >> 4;
    let ethertype = bytes.ethertype();
    if !matches!(
        (ethertype, version),
        (ETHERTYPE_IPV4, 4) | (ETHERTYPE_IPV6, 6)
    ) {
        return None;
    }
    *packet = Packet {
        ethertype,
        ..Packet::default()
    };
    network(bytes, 0, packet)
}

/// Reads the headers from the network's on, which starts at `offset` and is of the packet's ethertype.
#[inline(always)]
fn network<B: Bytes>(bytes: &B, offset: usize, packet: &mut Packet) -> Option<()> {
    let (protocol, offset) = if packet.ethertype == ETHERTYPE_IPV4 {
        ipv4(bytes, offset, packet)?
    } else {
        let (protocol, offset) = ipv6(bytes, offset, packet)?;
        extensions(bytes, protocol, offset)
    };
    packet.key.transport = u32::from(protocol);
    if offset != NO_TRANSPORT {
        // Cut off there: the zeros stay.
        let _ = transport::read(bytes, offset, protocol, packet);
    }
    Some(())
}

/// The ethertype, which is one of the two IP ones, and where the network header starts.
#[inline(always)]
fn ethernet<B: Bytes>(bytes: &B) -> Option<(u16, usize)> {
    let mut offset = ETHERNET_LENGTH;
    let mut ethertype = u16::from_be(bytes.read(12)?);
    for _ in 0..VLAN_TAGS_MAX {
        if ethertype != ETHERTYPE_VLAN && ethertype != ETHERTYPE_SERVICE_VLAN {
            break;
        }
        let tag: [u16; 2] = bytes.read(offset)?;
        ethertype = u16::from_be(tag[1]);
        offset += VLAN_TAG_LENGTH;
    }
    (ethertype == ETHERTYPE_IPV4 || ethertype == ETHERTYPE_IPV6).then_some((ethertype, offset))
}

/// The protocol, and where its header starts.
#[inline(always)]
fn ipv4<B: Bytes>(bytes: &B, offset: usize, packet: &mut Packet) -> Option<(u8, usize)> {
    let header: [u32; IPV4_LENGTH / 4] = bytes.read(offset)?;
    let first = u32::from_be(header[0]);
    // The length field counts words and is at least 5.
    let length = ((first >> 24 & 0xf) * 4) as usize;
    if first >> 28 != 4 || length < IPV4_LENGTH {
        return None;
    }
    packet.dscp = (first >> 18 & 0x3f) as u16;
    packet.key.source = mapped(header[3]);
    packet.key.destination = mapped(header[4]);
    let protocol = (u32::from_be(header[2]) >> 16) as u8;
    let is_later_fragment = u32::from_be(header[1]) & 0x1fff != 0;
    if is_later_fragment {
        return Some((protocol, NO_TRANSPORT));
    }
    Some((protocol, offset + length))
}

/// The first header after the fixed one, and where it starts.
#[inline(always)]
fn ipv6<B: Bytes>(bytes: &B, offset: usize, packet: &mut Packet) -> Option<(u8, usize)> {
    let header: [u32; IPV6_LENGTH / 4] = bytes.read(offset)?;
    let first = u32::from_be(header[0]);
    if first >> 28 != 6 {
        return None;
    }
    packet.dscp = (first >> 22 & 0x3f) as u16;
    packet.key.source = address(&header, 2);
    packet.key.destination = address(&header, 6);
    let protocol = (u32::from_be(header[1]) >> 8) as u8;
    Some((protocol, offset + IPV6_LENGTH))
}

#[inline(always)]
fn address(header: &[u32; IPV6_LENGTH / 4], at: usize) -> Address {
    [header[at], header[at + 1], header[at + 2], header[at + 3]]
}

#[inline(always)]
fn is_extension(header: u8) -> bool {
    matches!(
        header,
        HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION_OPTIONS
    )
}

/// Walks the extension headers to the transport; returns the last header found and where it starts.
#[inline(always)]
fn extensions<B: Bytes>(bytes: &B, mut protocol: u8, mut offset: usize) -> (u8, usize) {
    for _ in 0..EXTENSION_HEADERS_MAX {
        if !is_extension(protocol) {
            return (protocol, offset);
        }
        let Some(header) = bytes.read::<[u8; 4]>(offset) else {
            return (protocol, NO_TRANSPORT);
        };
        if protocol == FRAGMENT && u16::from_be_bytes([header[2], header[3]]) & 0xfff8 != 0 {
            return (header[0], NO_TRANSPORT);
        }
        offset += match protocol {
            FRAGMENT => 8,
            AUTHENTICATION => (usize::from(header[1]) + 2) * 4,
            _ => (usize::from(header[1]) + 1) * 8,
        };
        protocol = header[0];
    }
    if is_extension(protocol) {
        (protocol, NO_TRANSPORT)
    } else {
        (protocol, offset)
    }
}
