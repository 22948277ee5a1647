//! Gives memory back to the system.
//!
//! Called once, after loading: reading the kernel's types takes some 50 MB for a moment, which the C library would keep
//! for a process that never needs as much again.
#![allow(unsafe_code, reason = "malloc_trim(3) has no wrapper")]

/// Returns unused heap pages, where the C library can.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes no pointer, and is safe to call from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}
