//! Which interfaces to try again, and when.
//!
//! **Invariant:** pure: time is handed in. An interface is in here at most once, and never while it is attached.

use std::time::{Duration, Instant};

use crate::interfaces::model::{Interface, InterfaceKey};

/// The wait after attempt k is this times k.
const STEP: Duration = Duration::from_millis(300);

/// One interface to try again.
#[derive(Clone, Debug)]
pub struct Retry {
    pub interface: Interface,
    /// The number of the next attempt, from 2.
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

    /// Attempt number `attempt` has failed. Returns whether there will be another.
    pub fn failed(&mut self, interface: &Interface, attempt: u32, now: Instant) -> bool {
        self.cancel(interface.key());
        if attempt >= self.attempts_max {
            return false;
        }
        self.waiting.push(Retry {
            interface: interface.clone(),
            attempt: attempt + 1,
            at: now + STEP * attempt,
        });
        true
    }

    /// The interface is gone. Returns whether it was waiting.
    pub fn cancel(&mut self, key: InterfaceKey) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|retry| retry.interface.key() != key);
        self.waiting.len() < before
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
        }
    }

    #[test]
    fn attempts_are_further_and_further_apart_and_end() {
        let mut retries = Retries::new(4);
        let start = Instant::now();
        let mut now = start;
        for (attempt, wait_ms) in [(1, 300), (2, 600), (3, 900)] {
            assert!(retries.failed(&interface(2), attempt, now));
            assert_eq!(retries.next(), Some(now + Duration::from_millis(wait_ms)));
            assert!(retries.due(now).is_none());
            now += Duration::from_millis(wait_ms);
            assert_eq!(retries.due(now).unwrap().attempt, attempt + 1);
        }
        assert!(!retries.failed(&interface(2), 4, now));
        assert_eq!(retries.next(), None);
    }

    #[test]
    fn an_interface_that_is_gone_is_not_tried_again() {
        let mut retries = Retries::new(4);
        let now = Instant::now();
        retries.failed(&interface(2), 1, now);
        retries.failed(&interface(3), 1, now);
        assert!(retries.cancel(interface(2).key()));
        assert!(!retries.cancel(interface(2).key()));
        let later = now + Duration::from_secs(1);
        assert_eq!(retries.due(later).unwrap().interface.index, 3);
        assert!(retries.due(later).is_none());
    }
}
