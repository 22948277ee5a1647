//! The DNS header in a packet's payload (RFC 1035 section 4.1.1).
//!
//! Called by the DNS feature for packets of a DNS port only.
//!
//! **Invariant:** reads the fixed header and nothing else; names are copied as they are and decoded by user space.

use netobserv_ebpf_abi::{PROTOCOL_TCP, PROTOCOL_UDP};

use super::Packet;
use crate::bytes::Bytes;

/// Bytes of a DNS header; the question's name follows.
pub const HEADER_LENGTH: usize = 12;

const UDP_LENGTH: usize = 8;
const TCP_LENGTH_MIN: usize = 20;
const FLAG_RESPONSE: u16 = 0x8000;
const EINVAL: u32 = 22;
const EFAULT: u32 = 14;

/// What a packet of a DNS port is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// No DNS header here: a TCP segment without payload.
    #[default]
    None,
    Header,
    Broken,
}

/// What was found. One flat struct that is always written whole: the verifier refuses the parts of a richer enum that
/// the compiler leaves undefined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub kind: Kind,
    /// Positive, if the message is broken.
    pub errno: u32,
    pub id: u16,
    pub flags: u16,
    /// Where the first question's name starts.
    pub name_offset: usize,
    /// Whether there is a question at all.
    pub has_question: bool,
}

impl Message {
    #[inline(always)]
    pub fn is_response(&self) -> bool {
        self.flags & FLAG_RESPONSE != 0
    }

    #[inline(always)]
    fn broken(errno: u32) -> Self {
        Self {
            kind: Kind::Broken,
            errno,
            ..Self::default()
        }
    }
}

/// Finds the DNS header. `length` is that of the whole packet.
#[inline(always)]
pub fn parse<B: Bytes>(bytes: &B, packet: &Packet, length: usize) -> Message {
    let transport = packet.transport_offset as usize;
    if transport == 0 {
        return Message::default();
    }
    let header = match packet.key.protocol() {
        PROTOCOL_UDP => transport + UDP_LENGTH,
        PROTOCOL_TCP => {
            let Some(offset_and_flags) = bytes.read::<u8>(transport + 12) else {
                return Message::broken(EFAULT);
            };
            let tcp_length = usize::from(offset_and_flags >> 4) * 4;
            if tcp_length < TCP_LENGTH_MIN {
                return Message::broken(EINVAL);
            }
            // Segments without payload (SYN, ACK, FIN) are no DNS message, and Ethernet pads them.
            if length <= transport + tcp_length + 2 + HEADER_LENGTH {
                return Message::default();
            }
            // A two-byte length stands before each message (RFC 1035 section 4.2.2).
            transport + tcp_length + 2
        }
        _ => return Message::broken(EINVAL),
    };
    let Some(words) = bytes.read::<[u16; HEADER_LENGTH / 2]>(header) else {
        return Message::broken(EFAULT);
    };
    Message {
        kind: Kind::Header,
        errno: 0,
        id: u16::from_be(words[0]),
        flags: u16::from_be(words[1]),
        name_offset: header + HEADER_LENGTH,
        has_question: words[2] != 0,
    }
}
