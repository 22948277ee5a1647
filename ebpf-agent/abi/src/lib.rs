//! What the kernel programs and the agent both know: map keys, map values, counters, sizes.
//!
//! Compiled into both sides; nothing here is sent anywhere else.
//!
//! **Invariant:** every type is `repr(C)` made of whole words without padding: a padding byte in a key costs a
//! `memset` per packet and would make equal keys differ.
#![no_std]

use core::mem::{align_of, offset_of, size_of};

/// Interfaces that a flow remembers besides the one that counts it.
pub const OBSERVED_MAX: usize = 6;

/// Bytes kept of a DNS question's name, in wire form (length-prefixed labels).
pub const DNS_NAME_MAX: usize = 96;

pub const DIRECTION_INGRESS: u32 = 0;
pub const DIRECTION_EGRESS: u32 = 1;

pub const ETHERTYPE_IPV4: u16 = 0x0800;
pub const ETHERTYPE_IPV6: u16 = 0x86dd;

pub const PROTOCOL_ICMP: u8 = 1;
pub const PROTOCOL_TCP: u8 = 6;
pub const PROTOCOL_UDP: u8 = 17;
pub const PROTOCOL_ICMPV6: u8 = 58;
pub const PROTOCOL_SCTP: u8 = 132;

/// An IPv6 address, or an IPv4 one as `::ffff:a.b.c.d`: the 16 bytes as they stand in the packet, in four words.
pub type Address = [u32; 4];

/// Third word of every IPv4 address.
pub const MAPPED_IPV4: u32 = 0xffff_u32.to_be();

/// The address of an IPv4 header's word.
#[inline(always)]
pub const fn mapped(ipv4: u32) -> Address {
    [0, 0, MAPPED_IPV4, ipv4]
}

/// Whether `address` is an IPv4 one.
#[inline(always)]
pub const fn is_ipv4(address: &Address) -> bool {
    address[0] == 0 && address[1] == 0 && address[2] == MAPPED_IPV4
}

/// What identifies a flow. Aligned, so that it is compared and hashed in five words.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowKey {
    pub source: Address,
    pub destination: Address,
    /// Source port in the low half, destination port in the high one, host order.
    pub ports: u32,
    /// Protocol, ICMP type and ICMP code from the lowest byte up.
    pub transport: u32,
}

impl FlowKey {
    /// The whole key, to hash and to compare.
    #[inline(always)]
    pub const fn words(&self) -> [u64; KEY_WORDS] {
        let (source, destination) = (&self.source, &self.destination);
        [
            joined(source[0], source[1]),
            joined(source[2], source[3]),
            joined(destination[0], destination[1]),
            joined(destination[2], destination[3]),
            joined(self.ports, self.transport),
        ]
    }

    pub const fn source_port(&self) -> u16 {
        self.ports as u16
    }

    pub const fn destination_port(&self) -> u16 {
        (self.ports >> 16) as u16
    }

    pub const fn protocol(&self) -> u8 {
        self.transport as u8
    }

    pub const fn icmp_type(&self) -> u8 {
        (self.transport >> 8) as u8
    }

    pub const fn icmp_code(&self) -> u8 {
        (self.transport >> 16) as u8
    }
}

#[inline(always)]
const fn joined(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

/// Joins two ports as [`FlowKey::ports`] holds them.
#[inline(always)]
pub const fn ports(source: u16, destination: u16) -> u32 {
    source as u32 | (destination as u32) << 16
}

/// An interface and the directions in which it saw a flow, in one word, so that it can be compared and written at once:
/// index in the low 32 bits, network namespace in the next 30, "seen ingress" and "seen egress" in the top two.
/// Zero is "none": a real one has a direction.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Observed(pub u64);

/// Network namespaces that can be told apart.
pub const NETNS_MAX: u32 = (1 << 30) - 1;

impl Observed {
    const DIRECTION_SHIFT: u32 = 62;
    const IDENTITY: u64 = (1 << Self::DIRECTION_SHIFT) - 1;

    #[inline(always)]
    pub const fn new(netns: u32, index: u32, direction: u32) -> Self {
        Self(index as u64 | (netns as u64) << 32 | 1 << (Self::DIRECTION_SHIFT + direction))
    }

    #[inline(always)]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    #[inline(always)]
    pub const fn is_same_interface(self, other: Self) -> bool {
        (self.0 ^ other.0) & Self::IDENTITY == 0
    }

    pub const fn index(self) -> u32 {
        self.0 as u32
    }

    pub const fn netns(self) -> u32 {
        (self.0 >> 32) as u32 & NETNS_MAX
    }

    /// The direction as it is exported: 0 ingress, 1 egress, 3 both.
    pub const fn direction(self) -> u32 {
        match self.0 >> Self::DIRECTION_SHIFT {
            0 | 1 => DIRECTION_INGRESS,
            2 => DIRECTION_EGRESS,
            _ => 3,
        }
    }
}

/// What is known of a flow in one generation. What a packet of a known flow touches comes first.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowValue {
    pub bytes: u64,
    /// 0 in an entry that was taken in vain, see [`FlowEntry`].
    pub packets: u64,
    /// Monotonic clock.
    pub end_ns: u64,
    /// The interface whose packets are counted, with the direction of the first packet.
    pub first: Observed,
    /// TCP flags, or of all packets.
    pub flags: u32,
    /// Of the latest packet.
    pub dscp: u16,
    pub ethertype: u16,
    pub start_ns: u64,
    /// Highest smoothed round trip time seen; 0 is unknown.
    pub rtt_ns: u64,
    /// First 12 bytes of the first packet's Ethernet header: destination, then source. Zero where there is none.
    pub macs: [u32; 3],
    /// One packet in this many was looked at; 0 is "not configured".
    pub sampling: u32,
    pub observed: [Observed; OBSERVED_MAX],
}

impl FlowValue {
    /// Source and destination hardware address.
    pub fn macs(&self) -> ([u8; 6], [u8; 6]) {
        let [a, b, c] = self.macs.map(u32::to_ne_bytes);
        (
            [b[2], b[3], c[0], c[1], c[2], c[3]],
            [a[0], a[1], a[2], a[3], b[0], b[1]],
        )
    }
}

/// A flow in the table of flows. Three cache lines, of which a packet of a known flow touches the first two.
///
/// Entries are taken one after the other. Where two processors begin the same flow at once, the entry of the one that
/// loses stays unused, without packets, until the generation ends.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug)]
pub struct FlowEntry {
    pub key: FlowKey,
    pub value: FlowValue,
    /// Whether the entry of the same number in the DNS array is this flow's: 0 or 1.
    pub has_dns: u64,
    /// Up to the end of the cache line.
    pub reserved: [u64; 3],
}

/// The state of one generation, in a map of its own, so that giving the programs another generation is one swap of maps.
///
/// What every packet reads and what every new flow writes are a cache line apart.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Generation {
    /// Which half of the arrays is this generation's: 0 or 1.
    pub half: u64,
    pub reserved: [u64; 7],
    /// Entries taken, and refused attempts to take one.
    pub taken: u64,
    pub reserved_too: [u64; 7],
}

impl Generation {
    /// One without flows.
    pub const fn empty(half: u64) -> Self {
        Self {
            half,
            reserved: [0; 7],
            taken: 0,
            reserved_too: [0; 7],
        }
    }
}

/// Words of a [`FlowKey`].
pub const KEY_WORDS: usize = 5;

/// Secret numbers of the hash: two for each word, and one to begin with.
pub const HASH_NUMBERS: usize = 2 * KEY_WORDS + 1;

/// Places of the flow table's index in one element of its array, a cache line: the kernel's arrays have no smaller
/// elements than 8 bytes.
pub const LINE_PLACES: u32 = 16;

/// A part of the index.
pub type IndexLine = [u32; LINE_PLACES as usize];

/// Places that are tried for a key, one after the other. An index is at most half full, so that 1.5 are tried for a flow
/// on average, and chains of some dozens are the longest.
pub const TRIES: u32 = 128;

/// Places where the tries for a key can start. Two for each flow: with more, chains of occupied places are shorter, but
/// the processor's cache has fewer of them.
#[inline(always)]
pub const fn index_starts(flows: u32) -> u32 {
    flows.saturating_mul(2)
}

/// Bits that hold an entry's number, counted from 1, in a generation with room for `flows`.
#[inline(always)]
pub const fn number_bits(flows: u32) -> u32 {
    u32::BITS - flows.leading_zeros()
}

/// Lines in the index of a generation with room for `flows`.
#[inline(always)]
pub const fn index_lines(flows: u32) -> u32 {
    index_starts(flows).saturating_add(TRIES) / LINE_PLACES + 1
}

/// What the DNS feature knows of a flow in one generation.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DnsValue {
    /// Highest time from query to response.
    pub latency_ns: u64,
    /// Of the latest response, host order; id 0 is "no response".
    pub id: u16,
    pub flags: u16,
    /// Positive error number of the latest trouble.
    pub errno: u32,
    /// The question's name in wire form, zero-filled.
    pub name: [u8; DNS_NAME_MAX],
}

impl DnsValue {
    pub const EMPTY: Self = Self {
        latency_ns: 0,
        id: 0,
        flags: 0,
        errno: 0,
        name: [0; DNS_NAME_MAX],
    };
}

/// A DNS query that waits for its response, as the query's packet had it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DnsQuery {
    pub source: Address,
    pub destination: Address,
    pub ports: u32,
    /// DNS id in the low half, protocol in the high one.
    pub id_protocol: u32,
}

/// Places of the per-CPU counter array.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counter {
    /// A packet found no generation to be counted in.
    UpdateFlowFailed = 0,
    /// All entries are taken: a packet of a new flow.
    CreateFlowFailed = 1,
    /// No place for the DNS query of a packet that is in a flow: only its DNS data is lost.
    UpdateDnsFailed = 2,
    /// A flow was seen on more than [`OBSERVED_MAX`] further interfaces.
    ObservedInterfaceMissed = 3,
    /// All places that are tried for a key are taken: a packet of a new flow.
    PlaceFlowFailed = 4,
}

/// Number of [`Counter`]s.
pub const COUNTERS: usize = 5;

/// Offsets in the running kernel's `struct sock` and `tcp_sock`, for the round trip time. The verifier treats them as
/// constants.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketOffsets {
    pub family: u32,
    pub peer_port: u32,
    pub local_port: u32,
    pub peer_ipv4: u32,
    pub local_ipv4: u32,
    pub peer_ipv6: u32,
    pub local_ipv6: u32,
    pub srtt_us: u32,
}

const _: () = {
    assert!(size_of::<FlowKey>() == 8 * KEY_WORDS && align_of::<FlowKey>() == 8);
    assert!(size_of::<FlowValue>() == 120 && align_of::<FlowValue>() == 8);
    assert!(size_of::<FlowEntry>() == 192 && offset_of!(FlowEntry, reserved) == 168);
    // The end of what a packet of a known flow touches.
    assert!(offset_of!(FlowEntry, value) + offset_of!(FlowValue, start_ns) <= 128);
    assert!(size_of::<Generation>() == 128 && offset_of!(Generation, taken) == 64);
    assert!(size_of::<DnsValue>() == 16 + DNS_NAME_MAX && align_of::<DnsValue>() == 8);
    assert!(size_of::<DnsQuery>() == 40);
    assert!(size_of::<SocketOffsets>() == 32);
};

#[cfg(feature = "user")]
mod user {
    use super::{DnsQuery, Generation, SocketOffsets};

    // SAFETY: `repr(C)`, only integers and arrays of them, and no padding (asserted above by the sizes).
    unsafe impl aya::Pod for DnsQuery {}
    // SAFETY: as above.
    unsafe impl aya::Pod for Generation {}
    // SAFETY: as above.
    unsafe impl aya::Pod for SocketOffsets {}
}
