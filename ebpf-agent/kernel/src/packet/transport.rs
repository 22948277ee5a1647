//! Ports, ICMP types and TCP flags.
//!
//! **Invariant:** protocols other than the five known ones have no ports.

use netobserv_ebpf_abi::{
    PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_SCTP, PROTOCOL_TCP, PROTOCOL_UDP,
};

use super::Packet;
use crate::bytes::Bytes;

/// Reads the transport header at `offset` into `packet`; `None` if it is cut off.
#[inline(always)]
pub fn read<B: Bytes>(bytes: &B, offset: usize, protocol: u8, packet: &mut Packet) -> Option<()> {
    packet.key.transport = u32::from(protocol);
    packet.transport_offset = offset as u32;
    match protocol {
        PROTOCOL_TCP => {
            let header: [u32; 4] = bytes.read(offset)?;
            packet.key.ports = both_ports(header[0]);
            packet.flags = tcp_flags((u32::from_be(header[3]) >> 16) as u8);
        }
        PROTOCOL_UDP | PROTOCOL_SCTP => {
            let header: u32 = bytes.read(offset)?;
            packet.key.ports = both_ports(header);
        }
        PROTOCOL_ICMP | PROTOCOL_ICMPV6 => {
            let header: u16 = bytes.read(offset)?;
            packet.key.transport |= u32::from(header.to_le()) << 8;
        }
        _ => {}
    }
    Some(())
}

/// Source and destination port as the key holds them, from the word that starts a TCP, UDP or SCTP header.
#[inline(always)]
fn both_ports(word: u32) -> u32 {
    u32::from_be(word).rotate_left(16)
}

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;
const URG: u8 = 0x20;
const ECE: u8 = 0x40;
const CWR: u8 = 0x80;
const SYN_ACK: u32 = 0x100;
const FIN_ACK: u32 = 0x200;
const RST_ACK: u32 = 0x400;

/// The single flag that a packet stands for: pairs first, then the first set in NetObserv's order. A consumer sees the
/// or of all packets of a flow, so that "SYN answered" and "SYN alone" can be told apart.
#[inline(always)]
pub fn tcp_flags(flags: u8) -> u32 {
    if flags & ACK != 0 {
        return match flags & (SYN | FIN | RST) {
            // By far the most frequent.
            0 => ACK.into(),
            pair if pair & SYN != 0 => SYN_ACK,
            pair if pair & FIN != 0 => FIN_ACK,
            _ => RST_ACK,
        };
    }
    // FIN before SYN, and PSH, URG, ECE, CWR after RST: the lowest set bit, but for RST, which ACK would precede.
    let lowest = flags & flags.wrapping_neg() & (FIN | SYN | RST | PSH | URG | ECE | CWR);
    lowest.into()
}
