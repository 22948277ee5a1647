//! From the kernel's monotonic clock to the wall clock.
//!
//! **Invariant:** one reading of both clocks serves a whole eviction, so that flows keep their order and distance.

/// Both clocks, read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Nanoseconds since the Unix epoch.
    pub wall_ns: u64,
    pub monotonic_ns: u64,
}

impl Clock {
    /// Nanoseconds since the Unix epoch of a monotonic time. A time after the reading lies in the future.
    pub fn wall(&self, monotonic_ns: u64) -> u64 {
        self.wall_ns
            .wrapping_sub(self.monotonic_ns.wrapping_sub(monotonic_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn times_keep_their_distance_to_the_reading() {
        let noon = 1_700_049_600_000_000_000;
        let clock = Clock {
            wall_ns: noon,
            monotonic_ns: 1000,
        };
        for (monotonic, expected) in [(123, noon - 877), (789, noon - 211), (1456, noon + 456)] {
            assert_eq!(clock.wall(monotonic), expected);
        }
    }
}
