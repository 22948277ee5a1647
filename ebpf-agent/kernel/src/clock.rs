//! The time of a known flow's latest packet, without a clock read per packet.
//!
//! Reading the clock was half of what a packet of a known flow cost. The kernel's tick counter is one load, so the clock
//! is read once per tick by whichever packet comes first, and the others take that.
//!
//! **Invariant:** never ahead of the monotonic clock, and behind it by a tick (1 to 10 ms) and 66 us, or by as long as
//! another processor was held between reading the clock and its write.

use core::ptr::{read_volatile, write_volatile};

use aya_ebpf::helpers::generated::{bpf_jiffies64, bpf_ktime_get_ns};
use netobserv_ebpf_kernel::tick;

/// One word, since two could be seen in the other order (arm64).
static mut LATEST: u64 = 0;

/// The time to a tick.
#[inline(always)]
pub fn coarse() -> u64 {
    // SAFETY: helpers without arguments, and a single word, which is read and written at once.
    unsafe {
        let now = bpf_jiffies64();
        if let Some(time_ns) = tick::time_ns(read_volatile(&raw const LATEST), now) {
            return time_ns;
        }
        let time_ns = exact();
        write_volatile(&raw mut LATEST, tick::joined(now, time_ns));
        time_ns
    }
}

/// The time.
#[inline(always)]
pub fn exact() -> u64 {
    // SAFETY: a helper without arguments.
    unsafe { bpf_ktime_get_ns() }
}
