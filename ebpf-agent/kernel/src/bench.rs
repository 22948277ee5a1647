//! What the agent's programs are measured against: an object of its own, loaded by the benchmark alone.
#![no_std]
#![no_main]
#![feature(core_intrinsics)]
#![allow(
    internal_features,
    reason = "the target has no atomic types, only the intrinsics"
)]

#[allow(dead_code, reason = "the agent's programs use the rest")]
mod atomic;
#[allow(dead_code, reason = "the agent's programs use the rest")]
mod skb;

use aya_ebpf::{
    bindings::BPF_NOEXIST,
    btf_maps::HashMap,
    macros::{btf_map, classifier},
    programs::TcContext,
};
use netobserv_ebpf_abi::FlowKey;
use netobserv_ebpf_kernel::packet::{self, Packet};

use crate::skb::Linear;

const NEXT: i32 = -1;

/// Bytes and packets by flow. The benchmark sets the size.
#[btf_map]
static BARE_FLOWS: HashMap<FlowKey, [u64; 2], 1> = HashMap::new();

#[classifier]
pub fn empty(_ctx: TcContext) -> i32 {
    NEXT
}

/// The least that counting with the kernel's own hash map takes.
#[classifier]
pub fn bare_hash(ctx: TcContext) -> i32 {
    let mut packet = Packet::default();
    if packet::usual(&Linear::new(&ctx), &mut packet).is_none() {
        return NEXT;
    }
    let length = ctx.len().into();
    match BARE_FLOWS.get_ptr_mut(&packet.key) {
        // SAFETY: a map value.
        Some(counts) => unsafe {
            atomic::add(counts.cast(), length);
            atomic::add(counts.cast::<u64>().add(1), 1);
        },
        None => {
            let _ = BARE_FLOWS.insert(&packet.key, &[length, 1], BPF_NOEXIST.into());
        }
    }
    NEXT
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // Never reached: the verifier refuses programs with an endless loop.
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
