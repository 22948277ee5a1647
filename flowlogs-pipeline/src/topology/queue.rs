//! The bounded queue in front of a chain of stages.
//!
//! **Invariant:** holds batches of at most `capacity` weight, or one message that is heavier alone. Who waits for room
//! gets it in the order of asking. Only a queue that was closed loses batches, and counts them.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit, TryAcquireError};

use crate::metrics::Counter;
use crate::model::Batch;

/// Why a message is not in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// It found no room in time.
    Full,
    /// Nobody reads any more.
    Closed,
}

/// A queue of batches, bounded in [weight](Batch::weight). Senders first get room, then put what they have there; the
/// reader is one thread.
pub struct Queue {
    state: Mutex<State>,
    capacity: u32,
    /// A permit for each unit of weight that is free.
    room: Semaphore,
    readable: Condvar,
}

#[derive(Default)]
struct State {
    /// Each with the room it gives back.
    batches: VecDeque<(Arc<Batch>, usize)>,
    /// Records of the batch that the reader took last and has not finished.
    in_hand: usize,
    senders: usize,
    /// Once closed: counts what is lost here.
    closed: Option<Counter>,
}

impl Queue {
    /// A queue for `capacity` weight; [`Self::add_sender`] must be called for each sender before it is read.
    pub fn new(capacity: usize) -> Self {
        let capacity = u32::try_from(capacity.min(Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
        let capacity = capacity.max(1);
        Self {
            state: Mutex::default(),
            capacity,
            room: Semaphore::new(capacity as usize),
            readable: Condvar::new(),
        }
    }

    /// Batches that wait.
    pub fn len(&self) -> usize {
        self.lock().batches.len()
    }

    /// Whether less than half of the room is taken, and nobody waits for more.
    pub fn is_below_half(&self) -> bool {
        self.room.available_permits() > self.capacity as usize / 2
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

    /// Room for a message, if there is some now and nobody waits for it.
    pub fn try_reserve(&self, weight: usize) -> Result<SemaphorePermit<'_>, NotSent> {
        self.room
            .try_acquire_many(self.share(weight))
            .map_err(|error| match error {
                TryAcquireError::NoPermits => NotSent::Full,
                TryAcquireError::Closed => NotSent::Closed,
            })
    }

    /// Waits for room for a message, behind those who asked before. Dropping the future leaves nothing behind.
    pub async fn reserve(&self, weight: usize) -> Result<SemaphorePermit<'_>, NotSent> {
        let room = self.room.acquire_many(self.share(weight)).await;
        room.map_err(|_| NotSent::Closed)
    }

    /// Of a message that is heavier than the queue may hold: all of it.
    fn share(&self, weight: usize) -> u32 {
        u32::try_from(weight).map_or(self.capacity, |weight| weight.min(self.capacity))
    }

    /// Adds the batches of a message, whose weight `room` was reserved for.
    pub fn put(&self, room: SemaphorePermit<'_>, message: Vec<Arc<Batch>>) -> Result<(), NotSent> {
        let mut state = self.lock();
        if state.closed.is_some() {
            return Err(NotSent::Closed);
        }
        let mut left = room.num_permits();
        room.forget();
        let first = state.batches.len();
        let batches = message.into_iter().map(|batch| (batch, 0));
        state.batches.extend(batches);
        // From the end, so that of a message heavier than the queue the room comes back with its last batches.
        for (batch, share) in state.batches.range_mut(first..).rev() {
            *share = batch.weight().min(left);
            left -= *share;
        }
        drop(state);
        self.readable.notify_one();
        Ok(())
    }

    /// The next batch; nothing when all senders have gone and the queue is empty, or when it was closed.
    /// The reader has finished the batch before when it asks for the next.
    pub fn next(&self) -> Option<Arc<Batch>> {
        let mut state = self.lock();
        state.in_hand = 0;
        loop {
            if let Some((batch, share)) = state.batches.pop_front() {
                state.in_hand = batch.len();
                drop(state);
                self.room.add_permits(share);
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

    /// Ends the queue: what waits is dropped and counted in `lost`, and so is what senders [`lose`](Self::lose) from
    /// now on. Returns how many records waited.
    pub fn close(&self, lost: &Counter) -> usize {
        let mut state = self.lock();
        state.closed.get_or_insert_with(|| lost.clone());
        let waiting = std::mem::take(&mut state.batches);
        drop(state);
        let left = waiting.iter().map(|(batch, _)| batch.len()).sum();
        lost.add(left as u64);
        self.room.close();
        self.readable.notify_all();
        left
    }

    /// Counts records that a closed queue did not take.
    pub fn lose(&self, records: usize) {
        if let Some(lost) = &self.lock().closed {
            lost.add(records as u64);
        }
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
