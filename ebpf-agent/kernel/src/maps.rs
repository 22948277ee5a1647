//! The maps. Both generations of the flow table are halves of one array; the programs learn which is theirs from the
//! small map in the slot [`ACTIVE`], which the agent swaps.
//!
//! **Invariant:** a program reads the slot once per packet and keeps nothing of it: the agent swaps the slot, waits for
//! all running programs to end, and then owns the other half alone.

use aya_ebpf::{
    bindings::{BPF_F_MMAPABLE, BPF_F_NO_PREALLOC},
    btf_maps::{Array, ArrayOfMaps, HashMap, PerCpuArray},
    macros::btf_map,
};
use netobserv_ebpf_abi::{COUNTERS, Counter, DnsQuery, DnsValue, FlowEntry, Generation, IndexLine};

use crate::atomic;

const MAPPED: usize = BPF_F_MMAPABLE as usize;

#[btf_map]
pub static ACTIVE: ArrayOfMaps<Array<Generation, 1>, 1> = ArrayOfMaps::new();

/// The index of the flow table, see [`crate::table`]. The agent sets the sizes of this and the next two.
#[btf_map]
pub static INDEX: Array<IndexLine, 1, MAPPED> = Array::new();

#[btf_map]
pub static ENTRIES: Array<FlowEntry, 1, MAPPED> = Array::new();

/// DNS data of the entry with the same number.
#[btf_map]
pub static DNS: Array<DnsValue, 1, MAPPED> = Array::new();

/// Queries that wait for their response, with the monotonic time of the query.
#[btf_map]
pub static DNS_QUERIES: HashMap<DnsQuery, u64, 1, { BPF_F_NO_PREALLOC as usize }> = HashMap::new();

#[btf_map]
static COUNTS: PerCpuArray<u64, COUNTERS> = PerCpuArray::new();

#[inline(always)]
pub fn count(counter: Counter) {
    if let Some(count) = COUNTS.get_ptr_mut(counter as u32) {
        // SAFETY: a map value. Atomic, since a tracing program can interrupt a flow program on the same CPU.
        unsafe { atomic::add(count, 1) };
    }
}
