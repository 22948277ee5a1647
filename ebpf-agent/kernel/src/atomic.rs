//! Atomic changes of map values, as the one BPF instruction that each has (kernel 5.12 on x86-64, 5.18 on arm64).

use core::intrinsics::{
    AtomicOrdering::{Relaxed, SeqCst},
    atomic_cxchg, atomic_or, atomic_xadd,
};

/// Adds; the result is not used, so the compiler emits the cheaper form without it.
///
/// # Safety
/// `place` is in a map value.
#[inline(always)]
pub unsafe fn add(place: *mut u64, amount: u64) {
    // SAFETY: the caller's word.
    unsafe { atomic_xadd::<u64, u64, { Relaxed }>(place, amount) };
}

/// Adds 1 and returns what was there.
///
/// # Safety
/// `place` is in a map value.
#[inline(always)]
pub unsafe fn next(place: *mut u64) -> u64 {
    // SAFETY: the caller's word.
    unsafe { atomic_xadd::<u64, u64, { SeqCst }>(place, 1) }
}

/// Sets bits.
///
/// # Safety
/// `place` is in a map value.
#[inline(always)]
pub unsafe fn or(place: *mut u32, bits: u32) {
    // SAFETY: the caller's word.
    unsafe { atomic_or::<u32, u32, { Relaxed }>(place, bits) };
}

/// Sets bits.
///
/// # Safety
/// `place` is in a map value.
#[inline(always)]
pub unsafe fn or_long(place: *mut u64, bits: u64) {
    // SAFETY: the caller's word.
    unsafe { atomic_or::<u64, u64, { Relaxed }>(place, bits) };
}

/// Puts `word` where 0 is; returns what was there.
///
/// # Safety
/// `place` is in a map value.
#[inline(always)]
pub unsafe fn claim_long(place: *mut u64, word: u64) -> u64 {
    // SAFETY: the caller's word.
    unsafe { atomic_cxchg::<u64, { SeqCst }, { SeqCst }>(place, 0, word).0 }
}

/// Puts `word` where 0 is, after all earlier writes; returns what was there.
///
/// # Safety
/// `place` is in a map value.
#[inline(always)]
pub unsafe fn claim(place: *mut u32, word: u32) -> u32 {
    // SAFETY: the caller's word.
    unsafe { atomic_cxchg::<u32, { SeqCst }, { SeqCst }>(place, 0, word).0 }
}
