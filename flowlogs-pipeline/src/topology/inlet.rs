//! The way into the chains that follow an ingester or another chain.
//!
//! **Invariant:** a message enters each queue as a whole or not at all, and between the first queue and the last
//! nothing is waited for: a send that is given up has sent everything or nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, SemaphorePermit};
use tokio::time::{Instant, timeout};

use super::queue::{NotSent, Queue};
use crate::metrics::Counter;
use crate::model::Batch;

/// One of the queues that follow.
pub struct Outlet {
    queue: Arc<Queue>,
    /// How long a full queue is waited for in all before it has drained to half; without siblings as long as it takes.
    patience: Option<Duration>,
    dropped: Counter,
}

impl Outlet {
    /// A way into `queue`. With `patience` a message that finds no room in time is dropped and counted.
    pub fn new(queue: Arc<Queue>, patience: Option<Duration>, dropped: Counter) -> Self {
        queue.add_sender();
        Self {
            queue,
            patience,
            dropped,
        }
    }

    /// Room for a message. `waited` is how much of the patience is spent.
    async fn room(
        &self,
        weight: usize,
        waited: &mut Duration,
    ) -> Result<SemaphorePermit<'_>, NotSent> {
        if self.queue.is_below_half() {
            *waited = Duration::ZERO;
        }
        let now = self.queue.try_reserve(weight);
        if now.as_ref().err() != Some(&NotSent::Full) {
            return now;
        }
        let Some(patience) = self.patience else {
            return self.queue.reserve(weight).await;
        };
        let left = patience.saturating_sub(*waited);
        if left.is_zero() {
            return Err(NotSent::Full);
        }
        let _spent = Spent {
            since: Instant::now(),
            waited,
        };
        timeout(left, self.queue.reserve(weight))
            .await
            .unwrap_or(Err(NotSent::Full))
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.queue.remove_sender();
    }
}

/// Adds to the time waited when the wait ends, by being given up too.
struct Spent<'a> {
    since: Instant,
    waited: &'a mut Duration,
}

impl Drop for Spent<'_> {
    fn drop(&mut self) {
        *self.waited += self.since.elapsed();
    }
}

/// Nobody takes anything any more: the pipeline stops. The sender still has its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pipeline stops and takes nothing any more")]
pub struct Closed;

/// Where an ingester or a chain sends. Clones are more senders of the same.
#[derive(Clone)]
pub struct Inlet(Arc<Shared>);

struct Shared {
    outlets: Vec<Outlet>,
    /// One message at a time waits, so that room held in one queue for a message that waits for another does not make
    /// the first look full. Holds what is spent of each outlet's patience.
    turn: Mutex<Vec<Duration>>,
}

impl Inlet {
    /// Sends into all of `outlets`.
    pub fn new(outlets: Vec<Outlet>) -> Self {
        let turn = Mutex::new(vec![Duration::ZERO; outlets.len()]);
        Self(Arc::new(Shared { outlets, turn }))
    }

    /// Hands the batches of a message to every follower. Waits when the only one is full; among several, a full one
    /// is waited for a bounded time and then counted as lost. Fails only if no follower takes anything any more;
    /// nothing is counted then. Dropping the future before it is done sends nothing.
    pub async fn send(&self, mut message: Vec<Arc<Batch>>) -> Result<(), Closed> {
        let records = message.iter().map(|batch| batch.len()).sum();
        let weight = message.iter().map(|batch| batch.weight()).sum();
        let Shared { outlets, turn } = &*self.0;
        if records == 0 || outlets.is_empty() {
            return Ok(());
        }
        let mut turn = turn.lock().await;
        let mut rooms = Vec::with_capacity(outlets.len());
        for (outlet, waited) in outlets.iter().zip(turn.iter_mut()) {
            rooms.push(outlet.room(weight, waited).await);
        }
        drop(turn);
        // The last one is given the message itself: a batch that we still held would be copied to be changed.
        let last = rooms.iter().rposition(Result::is_ok);
        let sent: Vec<_> = outlets
            .iter()
            .zip(rooms)
            .enumerate()
            .map(|(place, (outlet, room))| {
                let batches = if Some(place) == last {
                    std::mem::take(&mut message)
                } else {
                    message.clone()
                };
                outlet.queue.put(room?, batches)
            })
            .collect();
        if sent.iter().all(|sent| *sent == Err(NotSent::Closed)) {
            return Err(Closed);
        }
        for (outlet, sent) in outlets.iter().zip(sent) {
            match sent {
                Ok(()) => {}
                Err(NotSent::Full) => outlet.dropped.add(records as u64),
                Err(NotSent::Closed) => outlet.queue.lose(records),
            }
        }
        Ok(())
    }

    /// [`Self::send`] for what nobody can send again: it is counted when no follower takes it.
    pub async fn send_or_lose(&self, message: Vec<Arc<Batch>>) {
        let records = message.iter().map(|batch| batch.len()).sum();
        if self.send(message).await.is_err() {
            for outlet in &self.0.outlets {
                outlet.queue.lose(records);
            }
        }
    }
}
