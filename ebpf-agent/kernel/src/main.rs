//! Entry points of the kernel programs: one function per hook, nothing else.
//!
//! Loaded by the agent's `src/kernel/load.rs`, once per network namespace, with the read-only globals of `globals.rs`.
//!
//! **Invariant:** no program drops, changes or redirects traffic: the flow programs return -1, which means "next
//! program" to TCX (`TCX_NEXT`) and "no opinion" to clsact (`TC_ACT_UNSPEC`).
#![no_std]
#![no_main]
#![feature(core_intrinsics)]
#![allow(
    internal_features,
    reason = "the target has no atomic types, only the intrinsics"
)]

mod atomic;
mod clock;
mod features;
mod flow;
mod globals;
mod maps;
mod skb;
mod table;

use aya_ebpf::{
    macros::{btf_tracepoint, classifier, fentry, kprobe},
    programs::{BtfTracePointContext, FEntryContext, ProbeContext, TcContext},
};
use features::rtt;
use netobserv_ebpf_abi::{DIRECTION_EGRESS, DIRECTION_INGRESS};

const NEXT: i32 = -1;

#[classifier]
pub fn tcx_ingress_flow_parse(ctx: TcContext) -> i32 {
    flow::observe(&ctx, DIRECTION_INGRESS);
    NEXT
}

#[classifier]
pub fn tcx_egress_flow_parse(ctx: TcContext) -> i32 {
    flow::observe(&ctx, DIRECTION_EGRESS);
    NEXT
}

#[classifier]
pub fn l3_ingress_flow_parse(ctx: TcContext) -> i32 {
    flow::observe_network(&ctx, DIRECTION_INGRESS);
    NEXT
}

#[classifier]
pub fn l3_egress_flow_parse(ctx: TcContext) -> i32 {
    flow::observe_network(&ctx, DIRECTION_EGRESS);
    NEXT
}

#[fentry(function = "tcp_rcv_established")]
pub fn tcp_rcv_fentry(ctx: FEntryContext) -> i32 {
    rtt::observe(ctx.arg(0));
    0
}

#[btf_tracepoint(function = "tcp_probe")]
pub fn tcp_rcv_tracepoint(ctx: BtfTracePointContext) -> i32 {
    rtt::observe(ctx.arg(0));
    0
}

#[kprobe(function = "tcp_rcv_established")]
pub fn tcp_rcv_kprobe(ctx: ProbeContext) -> u32 {
    if let Some(socket) = ctx.arg(0) {
        rtt::observe(socket);
    }
    0
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // Never reached: the verifier refuses programs with an endless loop.
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
