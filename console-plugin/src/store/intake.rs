//! What decoding threads and the ingest thread share: memory to be used again, and how many pushes are on their way.
//!
//! **Invariant:** bounded by the number of pushes at a time; who panics on the way is not counted for ever.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::lines::Lines;

/// Memory of pushes that were stored, to be used again.
#[derive(Debug)]
pub struct Pool {
    free: Mutex<Vec<Lines>>,
    limit: usize,
}

/// What grew beyond this is let go.
const POOLED_BYTES: usize = 4 << 20;

impl Pool {
    pub fn new(limit: usize) -> Self {
        Self {
            free: Mutex::default(),
            limit,
        }
    }

    pub fn take(&self) -> Lines {
        self.free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
            .unwrap_or_default()
    }

    pub fn give(&self, mut lines: Lines) {
        if lines.kept_memory() <= POOLED_BYTES {
            lines.clear();
            let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
            if free.len() < self.limit {
                free.push(lines);
            }
        }
    }
}

/// Pushes that are being decoded.
#[derive(Debug, Default)]
pub struct Arriving(AtomicUsize);

/// One of them, until it is queued or refused.
#[derive(Debug)]
pub struct Arrival<'a>(&'a Arriving);

impl Arriving {
    pub fn begin(&self) -> Arrival<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Arrival(self)
    }

    pub fn is_any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
