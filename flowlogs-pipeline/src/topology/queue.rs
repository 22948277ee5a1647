//! The bounded queue between an ingester or a chain of stages and the next chain.
//!
//! **Invariant:** holds at most `capacity` records, plus those of the one batch that crossed the line. Senders
//! wait or give up; nothing is dropped in here.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::model::Batch;

/// The batch found no room in time, or no reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSent;

enum Refused {
    Full(Arc<Batch>),
    Closed,
}

/// A queue of batches, bounded in records. Senders may be tasks or threads; the reader is one thread.
pub struct Queue {
    state: Mutex<State>,
    capacity: usize,
    readable: Condvar,
    writable: Condvar,
    writable_task: Notify,
}

#[derive(Default)]
struct State {
    batches: VecDeque<Arc<Batch>>,
    records: usize,
    /// Of the batch that the reader took last and has not finished.
    in_hand: usize,
    senders: usize,
    is_closed: bool,
}

impl State {
    fn put(&mut self, batch: Arc<Batch>) {
        self.records += batch.len();
        self.batches.push_back(batch);
    }
}

impl Queue {
    /// A queue for `capacity` records; [`Self::add_sender`] must be called for each sender before it is read.
    pub fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::default(),
            capacity: capacity.max(1),
            readable: Condvar::new(),
            writable: Condvar::new(),
            writable_task: Notify::new(),
        }
    }

    /// Batches that wait.
    pub fn len(&self) -> usize {
        self.lock().batches.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Notes a sender; the reader ends when all have gone.
    pub fn add_sender(&self) {
        self.lock().senders += 1;
    }

    /// Notes that a sender has gone.
    pub fn remove_sender(&self) {
        self.lock().senders -= 1;
        self.readable.notify_all();
    }

    /// Adds a batch if there is room, and gives it back if there is none.
    fn offer(&self, batch: Arc<Batch>) -> Result<(), Refused> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(Refused::Closed);
        }
        if state.records >= self.capacity {
            return Err(Refused::Full(batch));
        }
        state.put(batch);
        drop(state);
        self.readable.notify_one();
        Ok(())
    }

    /// Adds a batch; waits for room up to `patience`, or without one as long as it takes. For threads.
    pub fn send_blocking(
        &self,
        batch: Arc<Batch>,
        patience: Option<Duration>,
    ) -> Result<(), NotSent> {
        let deadline = patience.map(|patience| Instant::now() + patience);
        let mut state = self.lock();
        loop {
            if state.is_closed {
                return Err(NotSent);
            }
            if state.records < self.capacity {
                state.put(batch);
                drop(state);
                self.readable.notify_one();
                return Ok(());
            }
            state =
                match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                    None => self
                        .writable
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner),
                    Some(Duration::ZERO) => return Err(NotSent),
                    Some(left) => {
                        self.writable
                            .wait_timeout(state, left)
                            .unwrap_or_else(PoisonError::into_inner)
                            .0
                    }
                };
        }
    }

    /// Adds a batch; waits for room up to `patience`, or without one as long as it takes. For tasks.
    pub async fn send(&self, batch: Arc<Batch>, patience: Option<Duration>) -> Result<(), NotSent> {
        let send = async {
            let mut batch = batch;
            loop {
                let mut room = pin!(self.writable_task.notified());
                // Enabled before the look at the queue, so that room made in between wakes us.
                room.as_mut().enable();
                match self.offer(batch) {
                    Ok(()) => return Ok(()),
                    Err(Refused::Closed) => return Err(NotSent),
                    Err(Refused::Full(back)) => batch = back,
                }
                room.await;
            }
        };
        match patience {
            None => send.await,
            Some(patience) => tokio::time::timeout(patience, send)
                .await
                .unwrap_or(Err(NotSent)),
        }
    }

    /// The next batch; nothing when all senders have gone and the queue is empty, or when it was closed.
    /// The reader has finished the batch before when it asks for the next.
    pub fn next(&self) -> Option<Arc<Batch>> {
        let mut state = self.lock();
        state.in_hand = 0;
        loop {
            if let Some(batch) = state.batches.pop_front() {
                state.records -= batch.len();
                state.in_hand = batch.len();
                drop(state);
                self.writable.notify_all();
                self.writable_task.notify_waiters();
                return Some(batch);
            }
            if state.senders == 0 || state.is_closed {
                return None;
            }
            state = self
                .readable
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Records of the batch that the reader has taken and not finished.
    pub fn in_hand(&self) -> usize {
        self.lock().in_hand
    }

    /// Refuses batches from now on and returns how many records were left.
    pub fn close(&self) -> usize {
        let mut state = self.lock();
        state.is_closed = true;
        state.batches.clear();
        let left = std::mem::take(&mut state.records);
        drop(state);
        self.readable.notify_all();
        self.writable.notify_all();
        self.writable_task.notify_waiters();
        left
    }

    /// A panic of another holder cannot leave the state half changed: nothing in here panics while it holds it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
