//! Which interfaces to try again, and when.
//!
//! **Invariant:** pure: time is handed in. An interface is in here at most once, and never while it is attached. It leaves
//! by being watched or by being gone, never by failing too often.

use std::cmp::Ordering;
use std::time::{Duration, Instant};

use crate::interfaces::model::{Interface, InterfaceKey};

/// The wait after attempt k is this times k.
const STEP: Duration = Duration::from_millis(300);
/// The wait after the last of them: what was wrong may have passed (memory, descriptors, another program in the way).
const SLOW: Duration = Duration::from_secs(10);

/// What a failed attempt means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// Early yet, it is tried again at once.
    Early,
    /// It was the last of the attempts in a row: worth a line. From now on it is tried rarely.
    Last,
    /// One of the rare attempts.
    Late,
}

/// One interface to try again.
#[derive(Clone, Debug)]
pub struct Retry {
    pub interface: Interface,
    /// The number of the next attempt, from 2; one more than there are in a row stands for all that follow.
    pub attempt: u32,
    at: Instant,
}

/// See the module.
#[derive(Debug)]
pub struct Retries {
    attempts_max: u32,
    waiting: Vec<Retry>,
}

impl Retries {
    /// `attempts_max` counts the first attempt too.
    pub fn new(attempts_max: u32) -> Self {
        Self {
            attempts_max,
            waiting: Vec::new(),
        }
    }

    /// Attempt number `attempt` has failed; there will be another.
    pub fn failed(&mut self, interface: &Interface, attempt: u32, now: Instant) -> Failed {
        self.cancel(interface.key());
        let (failed, wait) = match attempt.cmp(&self.attempts_max) {
            Ordering::Less => (Failed::Early, STEP * attempt),
            Ordering::Equal => (Failed::Last, SLOW),
            Ordering::Greater => (Failed::Late, SLOW),
        };
        self.waiting.push(Retry {
            interface: interface.clone(),
            attempt: (attempt + 1).min(self.attempts_max + 1),
            at: now + wait,
        });
        failed
    }

    /// The interface is gone.
    pub fn cancel(&mut self, key: InterfaceKey) {
        self.waiting.retain(|retry| retry.interface.key() != key);
    }

    /// When the next attempt is due.
    pub fn next(&self) -> Option<Instant> {
        self.waiting.iter().map(|retry| retry.at).min()
    }

    /// Takes out one interface whose time has come.
    pub fn due(&mut self, now: Instant) -> Option<Retry> {
        let position = self.waiting.iter().position(|retry| retry.at <= now)?;
        Some(self.waiting.swap_remove(position))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::Arc;

    use super::*;
    use crate::interfaces::model::Netns;

    fn interface(index: u32) -> Interface {
        Interface {
            netns: Netns::own(),
            index,
            name: Arc::from("eth0"),
            mac: [0; 6],
            has_ethernet: true,
        }
    }

    #[test]
    fn attempts_are_further_and_further_apart_and_then_rare_for_ever() {
        let mut retries = Retries::new(4);
        let start = Instant::now();
        let mut now = start;
        for (attempt, wait_ms) in [(1, 300), (2, 600), (3, 900)] {
            assert_eq!(retries.failed(&interface(2), attempt, now), Failed::Early);
            assert_eq!(retries.next(), Some(now + Duration::from_millis(wait_ms)));
            assert!(retries.due(now).is_none());
            now += Duration::from_millis(wait_ms);
            assert_eq!(retries.due(now).unwrap().attempt, attempt + 1);
        }
        let mut attempt = 4;
        for expected in [Failed::Last, Failed::Late, Failed::Late] {
            assert_eq!(retries.failed(&interface(2), attempt, now), expected);
            assert_eq!(retries.next(), Some(now + SLOW));
            now += SLOW;
            attempt = retries.due(now).unwrap().attempt;
            assert_eq!(attempt, 5);
        }
    }

    #[test]
    fn an_interface_that_is_gone_is_not_tried_again() {
        let mut retries = Retries::new(4);
        let now = Instant::now();
        retries.failed(&interface(2), 1, now);
        retries.failed(&interface(3), 1, now);
        retries.cancel(interface(2).key());
        let later = now + Duration::from_secs(1);
        assert_eq!(retries.due(later).unwrap().interface.index, 3);
        assert!(retries.due(later).is_none());
    }
}
