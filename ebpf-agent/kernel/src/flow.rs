//! The product's most executed code: one packet into the flow map.
//!
//! **Invariant:** a packet of a known flow, all features off, costs one map look-up and no other helper, but for
//! the first packet of a tick, which reads the clock. Each packet that was looked at is in exactly one flow, or in exactly one counter.

use aya_ebpf::{
    bindings::BPF_NOEXIST, helpers::generated::bpf_get_prandom_u32, programs::TcContext,
};
use netobserv_ebpf_abi::{Counter, FlowValue, Observed};
use netobserv_ebpf_kernel::{
    bytes::Bytes,
    packet::{self, Packet},
};

use crate::{
    atomic, clock,
    features::dns,
    globals,
    maps::{ACTIVE_FLOWS, Flows, count},
    skb::{Copied, Linear},
};

const EEXIST: i32 = -17;

/// Where a packet ended up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// In the flow's numbers.
    Counted,
    /// Its flow is counted at another interface, which saw or will see the same packet.
    Elsewhere,
    /// In a loss counter.
    Lost,
}

/// Takes one packet.
#[inline(always)]
pub fn observe(ctx: &TcContext, direction: u32) {
    let interval = globals::sampling_interval();
    // SAFETY: helpers without arguments.
    if interval > 1 && unsafe { bpf_get_prandom_u32() } % interval != 0 {
        return;
    }
    let mut packet = Packet::default();
    let is_read = packet::usual(&Linear::new(ctx), &mut packet).is_some();
    if is_read || parse_copied(ctx, &mut packet) {
        record(ctx, &packet, direction);
    }
}

/// The rare frames, apart so that their stack and instructions do not burden the usual ones.
#[inline(never)]
fn parse_copied(ctx: &TcContext, packet: &mut Packet) -> bool {
    packet::parse(&Copied(ctx), packet).is_some()
}

#[inline(always)]
fn record(ctx: &TcContext, packet: &Packet, direction: u32) {
    // SAFETY: the context of the hook that runs this program.
    let index = unsafe { (*ctx.skb.skb).ifindex };
    let here = Observed::new(globals::netns(), index, direction);
    let Some(flows) = ACTIVE_FLOWS.get(0) else {
        return count(Counter::UpdateFlowFailed);
    };
    let seen = match flows.get_ptr_mut(&packet.key) {
        Some(value) => update(value, packet, here, ctx.len()),
        None => create(flows, ctx, packet, here),
    };
    if globals::dns_tracking() != 0 && seen != Seen::Elsewhere && dns::is_tracked(packet) {
        dns::observe(ctx, packet, clock::exact());
    }
}

/// Adds a packet to a known flow.
#[inline(always)]
fn update(value: *mut FlowValue, packet: &Packet, here: Observed, length: u32) -> Seen {
    // SAFETY: a map value that lives as long as the program runs (invariant of `maps`). Words that other CPUs change
    // too are either changed atomically, or hold "the latest", for which any of the writers is right.
    unsafe {
        let now = clock::coarse();
        // A flow begins at the exact time, which this may be behind.
        if now > (*value).end_ns {
            (*value).end_ns = now;
        }
        if packet.flags & !(*value).flags != 0 {
            atomic::or(&raw mut (*value).flags, packet.flags);
        }
        if !(*value).first.is_same_interface(here) {
            observed(value, packet, here);
            return Seen::Elsewhere;
        }
        atomic::add(&raw mut (*value).bytes, length.into());
        atomic::add(&raw mut (*value).packets, 1);
        (*value).dscp = packet.dscp;
        Seen::Counted
    }
}

/// Remembers a further interface of a flow. Two CPUs can take the same free place at once; the one that loses it is
/// added by its next packet, and the list never holds an interface twice.
///
/// # Safety
/// `value` is a map value.
#[inline(always)]
unsafe fn observed(value: *mut FlowValue, packet: &Packet, here: Observed) {
    // SAFETY: the caller's word; one word is read or written at once.
    for place in unsafe { &mut (*value).observed } {
        if place.is_none() {
            *place = here;
            return;
        }
        if place.is_same_interface(here) {
            if place.0 | here.0 != place.0 {
                place.0 |= here.0;
            }
            return;
        }
    }
    if packet.key.protocol() != 0 {
        count(Counter::ObservedInterfaceMissed);
    }
}

/// Starts a flow.
#[inline(always)]
fn create(flows: &Flows, ctx: &TcContext, packet: &Packet, here: Observed) -> Seen {
    let now = clock::exact();
    let mut value = FlowValue {
        start_ns: now,
        end_ns: now,
        bytes: ctx.len().into(),
        packets: 1,
        first: here,
        flags: packet.flags,
        dscp: packet.dscp,
        ethertype: packet.ethertype,
        sampling: globals::sampling_interval(),
        ..FlowValue::default()
    };
    if packet.has_ethernet {
        value.macs = Copied(ctx).read(0).unwrap_or_default();
    }
    match flows.insert(&packet.key, &value, BPF_NOEXIST.into()) {
        Ok(()) => Seen::Counted,
        // Another CPU was first. Nobody deletes in the active generation, so it is there.
        Err(EEXIST) => match flows.get_ptr_mut(&packet.key) {
            Some(value) => update(value, packet, here, ctx.len()),
            None => lost(Counter::UpdateFlowFailed),
        },
        Err(_) => lost(Counter::CreateFlowFailed),
    }
}

#[inline(always)]
fn lost(counter: Counter) -> Seen {
    count(counter);
    Seen::Lost
}
