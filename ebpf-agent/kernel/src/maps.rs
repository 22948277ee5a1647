//! The maps. The two generations of the flow and DNS maps are made by the agent; the programs know the slot through
//! which the active one is reached.
//!
//! **Invariant:** a program reads a slot once per packet and never keeps the map: the agent swaps the slot, waits for
//! all running programs to end, and then owns the old map alone.

use aya_ebpf::{
    bindings::BPF_F_NO_PREALLOC,
    btf_maps::{ArrayOfMaps, HashMap, PerCpuArray},
    macros::btf_map,
};
use netobserv_ebpf_abi::{COUNTERS, Counter, DnsQuery, DnsValue, FlowKey, FlowValue};

use crate::atomic;

/// Templates have one entry: the kernel compares type, sizes and flags, not capacity.
pub type Flows = HashMap<FlowKey, FlowValue, 1>;
pub type Dns = HashMap<FlowKey, DnsValue, 1, { BPF_F_NO_PREALLOC as usize }>;

#[btf_map]
pub static ACTIVE_FLOWS: ArrayOfMaps<Flows, 1> = ArrayOfMaps::new();

#[btf_map]
pub static ACTIVE_DNS: ArrayOfMaps<Dns, 1> = ArrayOfMaps::new();

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
