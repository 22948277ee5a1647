//! The product's most executed code: one packet into the flow table.
//!
//! **Invariant:** a packet of a known flow, all features off, costs no call of a helper or of another function, but for
//! the first packet of a tick, which reads the clock. Each packet that was looked at is in exactly one flow, or in exactly
//! one counter.

use core::ptr::read_volatile;

use aya_ebpf::{helpers::generated::bpf_get_prandom_u32, programs::TcContext};
use netobserv_ebpf_abi::{Counter, FlowValue, OBSERVED_MAX, Observed};
use netobserv_ebpf_kernel::{
    bytes::Bytes,
    packet::{self, Packet},
};

use crate::{
    atomic, clock,
    features::dns,
    globals,
    maps::count,
    skb::{Copied, Linear},
    table::{Entry, Published, Table},
};

/// Takes one Ethernet frame.
#[inline(always)]
pub fn observe(ctx: &TcContext, direction: u32) {
    if is_left_out() {
        return;
    }
    let mut packet = Packet::default();
    let is_read = packet::usual(&Linear::new(ctx), &mut packet).is_some();
    if is_read || parse_copied(ctx, &mut packet) {
        record(ctx, &packet, direction);
    }
}

/// Takes one packet of a device without link header.
#[inline(always)]
pub fn observe_network(ctx: &TcContext, direction: u32) {
    if is_left_out() {
        return;
    }
    let mut packet = Packet::default();
    if parse_network(ctx, &mut packet) {
        record(ctx, &packet, direction);
    }
}

/// Whether the packet is not one of the sample.
#[inline(always)]
fn is_left_out() -> bool {
    let interval = globals::sampling_interval();
    // SAFETY: a helper without arguments.
    interval > 1 && unsafe { bpf_get_prandom_u32() } % interval != 0
}

/// The rare frames, apart so that their stack and instructions do not burden the usual ones.
#[inline(never)]
fn parse_copied(ctx: &TcContext, packet: &mut Packet) -> bool {
    packet::parse(&Copied(ctx), packet).is_some()
}

#[inline(never)]
fn parse_network(ctx: &TcContext, packet: &mut Packet) -> bool {
    packet::parse_network(&Copied(ctx), packet).is_some()
}

#[inline(always)]
fn record(ctx: &TcContext, packet: &Packet, direction: u32) {
    // SAFETY: the context of the hook that runs this program.
    let index = unsafe { (*ctx.skb.skb).ifindex };
    let here = Observed::new(globals::netns(), index, direction);
    let Some(table) = Table::active() else {
        return count(Counter::UpdateFlowFailed);
    };
    let mut flow = Entry::NONE;
    let is_here = match table.find(&packet.key) {
        Some(known) => {
            flow = known;
            update(&flow, packet, here, ctx.len())
        }
        None => create(&table, ctx, packet, here, &mut flow),
    };
    if is_here && globals::dns_tracking() != 0 && dns::is_tracked(packet) {
        dns::observe(ctx, packet, &flow);
    }
}

/// Adds a packet to a known flow. Whether it counts here: if not, the flow is counted at another interface, which saw or
/// will see the same packet.
#[inline(always)]
fn update(flow: &Entry, packet: &Packet, here: Observed, length: u32) -> bool {
    // SAFETY: a map value that lives as long as the program runs (invariant of `maps`). Words that other CPUs change
    // too are either changed atomically, or hold "the latest", for which any of the writers is right.
    unsafe {
        let value = &raw mut (*flow.entry).value;
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
            return false;
        }
        atomic::add(&raw mut (*value).bytes, length.into());
        atomic::add(&raw mut (*value).packets, 1);
        // A cache line that stays unchanged is cheaper to give up.
        if (*value).dscp != packet.dscp {
            (*value).dscp = packet.dscp;
        }
        true
    }
}

/// Remembers a further interface of a flow. All try the places in the same order and take a free one atomically, so the
/// list never holds an interface twice.
#[inline(never)]
fn observed(value: *mut FlowValue, packet: &Packet, here: Observed) {
    for number in 0..OBSERVED_MAX {
        // SAFETY: a map value, from `update`; one word is read or changed at once.
        unsafe {
            let place = (&raw mut (*value).observed).cast::<u64>().add(number);
            let mut there = read_volatile(place);
            if there == 0 {
                there = atomic::claim_long(place, here.0);
                if there == 0 {
                    return;
                }
            }
            if Observed(there).is_same_interface(here) {
                if there | here.0 != there {
                    atomic::or_long(place, here.0);
                }
                return;
            }
        }
    }
    if packet.key.protocol() != 0 {
        count(Counter::ObservedInterfaceMissed);
    }
}

/// Starts a flow. Whether the packet belongs here, as in [`update`]; if it is lost, there is no `flow`.
#[inline(never)]
fn create(
    table: &Table,
    ctx: &TcContext,
    packet: &Packet,
    here: Observed,
    flow: &mut Entry,
) -> bool {
    let Some(new) = table.take() else {
        count(Counter::CreateFlowFailed);
        return true;
    };
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
    // SAFETY: a map value that nobody else knows yet.
    unsafe {
        (*new.entry).key = packet.key;
        (*new.entry).value = value;
        (*new.entry).has_dns = 0;
    }
    let published = table.publish(&new, &packet.key);
    if let Published::New = published {
        *flow = new;
        return true;
    }
    // SAFETY: as above: no place leads to it. Without packets the agent passes it over.
    unsafe { (*new.entry).value.packets = 0 };
    if let Published::Known(known) = published {
        *flow = known;
        return update(flow, packet, here, ctx.len());
    }
    count(Counter::PlaceFlowFailed);
    true
}
