//! The draw of sampling rules: one generator per stage, no lock.

use std::hash::{BuildHasher, RandomState};

/// Marsaglia's xorshift64*: fast, and even enough for sampling.
pub struct Random(u64);

impl Random {
    /// Seeded by the system's randomness.
    pub fn new() -> Self {
        // Zero is the one state it cannot leave.
        Self(RandomState::new().hash_one(0) | 1)
    }

    /// True once in `interval` draws on average; 0 and 1 are always.
    pub fn one_in(&mut self, interval: u16) -> bool {
        if interval <= 1 {
            return true;
        }
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let draw = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        (draw * u64::from(interval)) >> 32 == 0
    }
}
