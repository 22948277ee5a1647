//! The bounded queue between an ingester or a chain of stages and the next chain.
//!
//! **Invariant:** holds at most `capacity` records, plus those of the one batch that crossed the line. Senders
//! wait or give up. Only a queue that was closed drops batches, and counts them.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::metrics::Counter;
use crate::model::Batch;

/// Why a batch is not in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// It found no room in time.
    Full,
    /// Nobody reads any more; the queue has counted it as lost.
    Closed,
}

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
    /// Once closed: counts what is lost here.
    closed: Option<Counter>,
}

impl State {
    fn put(&mut self, batch: Arc<Batch>) {
        self.records += batch.len();
        self.batches.push_back(batch);
    }

    /// Whether nothing can be sent any more; then `batch` is counted.
    fn refuses(&self, batch: &Batch) -> bool {
        if let Some(lost) = &self.closed {
            lost.add(batch.len() as u64);
        }
        self.closed.is_some()
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
        if state.refuses(&batch) {
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
            if state.refuses(&batch) {
                return Err(NotSent::Closed);
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
                    Some(Duration::ZERO) => return Err(NotSent::Full),
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
                    Err(Refused::Closed) => return Err(NotSent::Closed),
                    Err(Refused::Full(back)) => batch = back,
                }
                room.await;
            }
        };
        match patience {
            None => send.await,
            Some(patience) => tokio::time::timeout(patience, send)
                .await
                .unwrap_or(Err(NotSent::Full)),
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
            if state.senders == 0 || state.closed.is_some() {
                return None;
            }
            state = self
                .readable
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends the queue: what waits is dropped and counted in `lost`, and so is what still comes. Returns how many
    /// records waited.
    pub fn close(&self, lost: &Counter) -> usize {
        let mut state = self.lock();
        state.closed.get_or_insert_with(|| lost.clone());
        state.batches.clear();
        let left = std::mem::take(&mut state.records);
        drop(state);
        lost.add(left as u64);
        self.readable.notify_all();
        self.writable.notify_all();
        self.writable_task.notify_waiters();
        left
    }

    /// Counts in `lost` the batch that the reader has taken and will not finish; returns its records.
    pub fn abandon(&self, lost: &Counter) -> usize {
        let in_hand = std::mem::take(&mut self.lock().in_hand);
        lost.add(in_hand as u64);
        in_hand
    }

    /// A panic of another holder cannot leave the state half changed: nothing in here panics while it holds it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
