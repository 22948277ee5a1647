//! A time and the tick in which it was taken, in one word, so that no processor sees one without the other.
//!
//! Called by `clock.rs` and by the agent's tests.
//!
//! **Invariant:** a time is never later than it was given.

/// Bits of the tick: a tick is taken for another only after 2^20 of them (17 minutes at 1000 Hz) without any packet, and
/// then for its own duration.
const TICK_BITS: u32 = 20;
/// Times are kept in units of 2^16 ns (66 us): so they last for 36 years of uptime.
const UNIT_BITS: u32 = 16;

/// A tick, and a time in it.
#[inline(always)]
pub const fn joined(tick: u64, now_ns: u64) -> u64 {
    tick << (u64::BITS - TICK_BITS) | now_ns >> UNIT_BITS
}

/// The time, if `word` is of this tick.
#[inline(always)]
pub const fn time_ns(word: u64, tick: u64) -> Option<u64> {
    let time = word ^ tick << (u64::BITS - TICK_BITS);
    if time >> (u64::BITS - TICK_BITS) != 0 {
        return None;
    }
    Some(time << UNIT_BITS)
}
