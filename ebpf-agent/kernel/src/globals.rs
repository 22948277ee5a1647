//! Read-only settings, written by the loader before the verifier sees them, which then prunes what is off.
//!
//! **Invariant:** names and sizes that NetObserv has too are as there, for loaders that set them by name.
#![allow(non_upper_case_globals, reason = "the names are a contract")]

use netobserv_ebpf_abi::{HASH_NUMBERS, SocketOffsets};

/// One packet in this many is looked at; 0 and 1 are all.
#[unsafe(no_mangle)]
static sampling: u32 = 0;

#[unsafe(no_mangle)]
static enable_dns_tracking: u8 = 0;

/// Tracked besides 53.
#[unsafe(no_mangle)]
static dns_port: u16 = 53;

/// The network namespace whose interfaces this instance is attached to.
#[unsafe(no_mangle)]
static network_namespace: u32 = 0;

/// Flows that a generation of the table has room for.
#[unsafe(no_mangle)]
static flows_max_per_generation: u32 = 1;

/// Bits that hold any number from 1 to that.
#[unsafe(no_mangle)]
static entry_number_bits: u32 = 1;

/// Secret numbers of the table's hash.
#[unsafe(no_mangle)]
static hash_numbers: [u64; HASH_NUMBERS] = [1; HASH_NUMBERS];

#[unsafe(no_mangle)]
static socket_offsets: SocketOffsets = SocketOffsets {
    family: 0,
    peer_port: 0,
    local_port: 0,
    peer_ipv4: 0,
    local_ipv4: 0,
    peer_ipv6: 0,
    local_ipv6: 0,
    srtt_us: 0,
};

macro_rules! getter {
    ($name:ident, $global:ident, $type:ty) => {
        #[inline(always)]
        pub fn $name() -> $type {
            // SAFETY: a valid static. Volatile, or the compiler would take the initial value for the final one.
            unsafe { core::ptr::read_volatile(&raw const $global) }
        }
    };
}

getter!(sampling_interval, sampling, u32);
getter!(dns_tracking, enable_dns_tracking, u8);
getter!(dns_tracking_port, dns_port, u16);
getter!(netns, network_namespace, u32);
getter!(offsets, socket_offsets, SocketOffsets);
getter!(number_bits, entry_number_bits, u32);
getter!(flows_max, flows_max_per_generation, u32);

#[inline(always)]
pub fn hash_number(index: usize) -> u64 {
    // SAFETY: as above; the callers count to the array's length.
    unsafe { core::ptr::read_volatile((&raw const hash_numbers).cast::<u64>().add(index)) }
}
