//! Atomic changes of map values, as the one BPF instruction that each has.
//!
//! **Invariant:** the result is not used, so the compiler emits the form without fetch (kernel 5.12).

use core::intrinsics::{AtomicOrdering::Relaxed, atomic_or, atomic_xadd};

/// # Safety
/// `place` is in a map value.
#[inline(always)]
pub unsafe fn add(place: *mut u64, amount: u64) {
    // SAFETY: the caller's word.
    unsafe { atomic_xadd::<u64, u64, { Relaxed }>(place, amount) };
}

/// # Safety
/// `place` is in a map value.
#[inline(always)]
pub unsafe fn or(place: *mut u32, bits: u32) {
    // SAFETY: the caller's word.
    unsafe { atomic_or::<u32, u32, { Relaxed }>(place, bits) };
}
