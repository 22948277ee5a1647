//! Keeps the store's threads at work: a panic in a piece of work is caught, counted and shown by readiness, and the
//! thread goes on with the next piece.
//!
//! Going on is sound because each piece is complete or has no effect: rows are appended whole or cut off by the next
//! append, a push whose group broke off is not acknowledged, and work on files is repeated from what is in the folder.
//!
//! **Invariant:** the store is at fault from a panic on until the same thread has done a piece of
//! work of that kind without one: other work that goes well mends nothing.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

/// Name of a thread.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ThreadLabel {
    pub thread: &'static str,
}

pub const INGEST: &str = "ingest";
pub const FILES: &str = "files";

type Faults = BTreeMap<(&'static str, &'static str), String>;

/// What is wrong with the threads, if anything.
#[derive(Debug)]
pub struct Watch {
    /// By thread and kind of work.
    faults: Mutex<Faults>,
    pub panics: Family<ThreadLabel, Counter>,
}

impl Default for Watch {
    fn default() -> Self {
        let panics = Family::default();
        for thread in [INGEST, FILES] {
            drop(panics.get_or_create(&ThreadLabel { thread }));
        }
        Self {
            faults: Mutex::default(),
            panics,
        }
    }
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does a piece of a thread's work of some kind; nothing if it panicked.
    pub fn guard<T>(
        &self,
        thread: &'static str,
        kind: &'static str,
        work: impl FnOnce() -> T,
    ) -> Option<T> {
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(done) => {
                self.lock().remove(&(thread, kind));
                Some(done)
            }
            Err(panic) => {
                let reason = message(panic.as_ref());
                tracing::error!(
                    thread,
                    kind,
                    reason,
                    "a thread of the store panicked; it goes on"
                );
                self.panics.get_or_create(&ThreadLabel { thread }).inc();
                self.lock().insert((thread, kind), reason);
                None
            }
        }
    }

    /// Why the store is not ready, if so.
    pub fn fault(&self) -> Option<String> {
        let faults = self.lock();
        let reasons: Vec<String> = faults
            .iter()
            .map(|((thread, _), reason)| format!("the store's {thread} thread panicked: {reason}"))
            .collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "no reason given".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_fault_until_the_same_work_was_done_again() {
        let watch = Watch::default();
        assert_eq!(watch.guard(INGEST, "commit", || 7), Some(7));
        assert_eq!(watch.fault(), None);
        assert_eq!(
            watch.guard(INGEST, "commit", || panic!("row {}", 3)),
            None::<()>
        );
        watch.guard(FILES, "commit", || ());
        watch.guard(INGEST, "rotate", || ());
        assert_eq!(
            watch.fault().as_deref(),
            Some("the store's ingest thread panicked: row 3"),
            "other work mends nothing"
        );
        watch.guard(INGEST, "commit", || ());
        assert_eq!(watch.fault(), None);
        let label = ThreadLabel { thread: INGEST };
        assert_eq!(watch.panics.get_or_create(&label).get(), 1);
    }
}
