//! Lets a repeated line through once per period, and counts the rest.
//!
//! **Invariant:** the count that a line carries and what was let through add up to what happened.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One repeated line.
#[derive(Debug)]
pub struct Limit {
    period: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    amount: u64,
}

impl Limit {
    pub const fn new(period: Duration) -> Self {
        Self {
            period,
            state: Mutex::new(State {
                last: None,
                amount: 0,
            }),
        }
    }

    /// Adds `amount`. If the line is due: everything since the last line, this included.
    pub fn add(&self, amount: u64) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.amount += amount;
        if state.last.is_some_and(|last| last.elapsed() < self.period) {
            return None;
        }
        state.last = Some(Instant::now());
        Some(std::mem::take(&mut state.amount))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_goes_through_and_the_rest_is_counted_until_the_next() {
        let mut limit = Limit::new(Duration::from_hours(1));
        assert_eq!(limit.add(3), Some(3));
        assert_eq!(limit.add(4), None);
        assert_eq!(limit.add(5), None);
        limit.period = Duration::ZERO;
        assert_eq!(limit.add(1), Some(10));
    }
}
