//! Batches that wait for the sender, bounded in bytes.
//!
//! The stage's thread pushes, the sender's task pops.
//! **Invariant:** never holds more than the limit, unless a single batch is larger: that one is taken alone.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::Notify;

use super::batch::Push;
use crate::metrics::Gauge;
use crate::metrics::family::lock;

/// A waiting stage looks again after this time, though it is woken when there is room.
const PATIENCE: Duration = Duration::from_mins(1);

/// What happens to a batch when the queue is full.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum WhenFull {
    /// It is dropped and counted; nothing else waits.
    #[default]
    Drop,
    /// The stage waits, and with it in the end the ingester.
    Wait,
}

#[derive(Default)]
struct State {
    pushes: VecDeque<Push>,
    bytes: usize,
    is_closed: bool,
    /// A batch has found no room since the last one was taken.
    is_full: bool,
    /// Until when a full queue may keep the stage waiting, once the end is near.
    patience_ends: Option<Instant>,
}

pub struct Queue {
    state: Mutex<State>,
    bytes_max: usize,
    when_full: WhenFull,
    has_room: Condvar,
    is_filled: Notify,
    gauge: Gauge,
}

impl Queue {
    pub fn new(bytes_max: usize, when_full: WhenFull, gauge: Gauge) -> Self {
        Self {
            state: Mutex::default(),
            bytes_max,
            when_full,
            has_room: Condvar::new(),
            is_filled: Notify::new(),
            gauge,
        }
    }

    /// Adds a batch; gives it back when there is no room for it.
    pub fn push(&self, push: Push) -> Result<(), Push> {
        let mut state = lock(&self.state);
        while state.bytes > 0 && state.bytes + push.body.len() > self.bytes_max {
            state.is_full = true;
            let patience = match state.patience_ends {
                None => PATIENCE,
                Some(end) => end.saturating_duration_since(Instant::now()),
            };
            if self.when_full == WhenFull::Drop || patience.is_zero() {
                return Err(push);
            }
            let waited = self.has_room.wait_timeout(state, patience);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.bytes += push.body.len();
        state.pushes.push_back(push);
        self.gauge.set(state.bytes as i64);
        self.is_filled.notify_one();
        Ok(())
    }

    /// The oldest batch; waits for one; `None` when the queue is closed and empty.
    pub async fn pop(&self) -> Option<Push> {
        loop {
            // Asked for before looking, so that a batch pushed in between wakes us.
            let filled = self.is_filled.notified();
            {
                let mut state = lock(&self.state);
                if let Some(push) = state.pushes.pop_front() {
                    state.bytes -= push.body.len();
                    state.is_full = false;
                    self.gauge.set(state.bytes as i64);
                    self.has_room.notify_all();
                    return Some(push);
                }
                if state.is_closed {
                    return None;
                }
            }
            filled.await;
        }
    }

    /// Whether a batch has found no room since the last one was taken.
    pub fn is_full(&self) -> bool {
        lock(&self.state).is_full
    }

    /// From now on nobody waits for room beyond `deadline`, nor beyond one that was given before.
    pub fn end_patience(&self, deadline: Instant) {
        let mut state = lock(&self.state);
        let end = state
            .patience_ends
            .map_or(deadline, |end| end.min(deadline));
        state.patience_ends = Some(end);
        drop(state);
        self.has_room.notify_all();
    }

    /// Nothing will be pushed any more.
    pub fn close(&self) {
        lock(&self.state).is_closed = true;
        self.is_filled.notify_one();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::Arc;

    use super::*;

    fn push(length: usize) -> Push {
        Push {
            tenant: None,
            body: vec![0; length].into(),
            entries: 1,
        }
    }

    #[tokio::test]
    async fn a_full_queue_gives_back_and_a_closed_one_ends() {
        let queue = Queue::new(10, WhenFull::Drop, Gauge::default());
        queue.push(push(25)).unwrap();
        queue.push(push(1)).unwrap_err();
        assert_eq!(queue.pop().await.unwrap().body.len(), 25);
        queue.push(push(6)).unwrap();
        queue.push(push(4)).unwrap();
        queue.push(push(1)).unwrap_err();
        assert_eq!(queue.gauge.get(), 10);
        queue.close();
        assert!(queue.pop().await.is_some());
        assert!(queue.pop().await.is_some());
        assert!(queue.pop().await.is_none());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn waiting_ends_when_there_is_room() {
        let queue = Arc::new(Queue::new(10, WhenFull::Wait, Gauge::default()));
        queue.push(push(10)).unwrap();
        let waiting = {
            let queue = Arc::clone(&queue);
            tokio::task::spawn_blocking(move || queue.push(push(10)))
        };
        assert!(queue.pop().await.is_some());
        waiting.await.unwrap().unwrap();
        assert!(queue.pop().await.is_some());
    }
}
