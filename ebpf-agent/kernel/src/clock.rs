//! The time of a known flow's latest packet, without a clock read per packet.
//!
//! Reading the clock was half of what a packet of a known flow cost. The kernel's tick counter is one load, so the clock
//! is read once per tick by whichever packet comes first, and the others take that.
//!
//! **Invariant:** never ahead of the monotonic clock, and behind it by a tick (1 to 10 ms), or by as long as another
//! processor was held between its two writes.

use core::ptr::{read_volatile, write_volatile};

use aya_ebpf::helpers::generated::{bpf_jiffies64, bpf_ktime_get_ns};

static mut TICK: u64 = 0;
static mut TICK_NS: u64 = 0;

/// The time to a tick.
#[inline(always)]
pub fn coarse() -> u64 {
    // SAFETY: single words, which are read and written at once. The time goes before the tick that makes others take it.
    unsafe {
        let tick = bpf_jiffies64();
        if tick == read_volatile(&raw const TICK) {
            return read_volatile(&raw const TICK_NS);
        }
        let now = exact();
        write_volatile(&raw mut TICK_NS, now);
        write_volatile(&raw mut TICK, tick);
        now
    }
}

/// The time.
#[inline(always)]
pub fn exact() -> u64 {
    // SAFETY: a helper without arguments.
    unsafe { bpf_ktime_get_ns() }
}
