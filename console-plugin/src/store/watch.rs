//! Keeps the store's threads at work: a panic in a piece of work is caught, counted and shown by readiness, and the
//! thread goes on with the next piece.
//!
//! Going on is sound because each piece is complete or has no effect: rows are appended whole or cut off by the next
//! append, a push whose group broke off is not acknowledged, and work on files is repeated from what is in the folder.
//!
//! It also remembers why pushes are refused: a store that takes none can still be read, so that this is no fault.
//!
//! **Invariant:** the store is at fault from a panic on until the same thread has done a piece of
//! work of that kind without one: other work that goes well mends nothing. It refuses from the first push that it
//! could not take until the next one it has written, or until the file thread sees that the reason is gone: who asks
//! first whether the store is ready pushes nothing meanwhile.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use schemars::JsonSchema;
use serde::Serialize;

use super::error::{Busy, DiskFull, StoreError};

/// Why pushes are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Refusal {
    /// Kind of the error.
    pub kind: &'static str,
    /// Its text, with the next step.
    pub reason: String,
    /// Of a disk on which too little would be left; nothing where the disk itself refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<Room>,
}

/// Room on a disk, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Room {
    pub free: u64,
    /// What must be free for the next flows to be stored.
    pub needed: u64,
}

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
    /// Why the last push was not stored, if it was not.
    refusal: Mutex<Option<Refusal>>,
    /// Why segments could not be sealed the last time, if so.
    sealing: Mutex<Option<String>>,
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
            refusal: Mutex::default(),
            sealing: Mutex::default(),
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

    /// How the last attempt to seal ended.
    pub fn note_sealing(&self, error: Option<&StoreError>) {
        *self.sealing_slot() = error.map(ToString::to_string);
    }

    /// A push that there is no room for.
    pub fn busy(&self, what: Busy) -> StoreError {
        StoreError::Busy {
            what,
            sealing: self.sealing_slot().clone(),
        }
    }

    fn sealing_slot(&self) -> MutexGuard<'_, Option<String>> {
        self.sealing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A push could not be taken, through no fault of its own.
    pub fn refuse(&self, error: &StoreError) {
        *self.refusal_slot() = Some(Refusal {
            kind: error.kind(),
            reason: error.to_string(),
            room: match error {
                StoreError::DiskFull(DiskFull::Kept { free, bytes, kept }) => Some(Room {
                    free: *free,
                    needed: bytes.saturating_add(*kept),
                }),
                _ => None,
            },
        });
    }

    /// The kind of the error for which pushes are refused, if they are.
    pub fn refusal_kind(&self) -> Option<&'static str> {
        self.refusal_slot().as_ref().map(|refusal| refusal.kind)
    }

    /// The reason for refusals of that kind is gone.
    pub fn withdraw(&self, kind: &'static str) {
        self.refusal_slot().take_if(|refusal| refusal.kind == kind);
    }

    /// A push was written.
    pub fn accept(&self) {
        *self.refusal_slot() = None;
    }

    /// Why pushes are refused, if they are.
    pub fn refusal(&self) -> Option<Refusal> {
        self.refusal_slot().clone()
    }

    fn refusal_slot(&self) -> MutexGuard<'_, Option<Refusal>> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner)
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
    use crate::store::error::{BUSY, DISK_FULL};

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

    #[test]
    fn what_there_is_too_much_of_is_named_and_why_it_is_not_sealed() {
        let watch = Watch::default();
        let (rows, memory) = (
            Busy::Rows { rows: 7, limit: 5 },
            Busy::Memory { bytes: 9, limit: 8 },
        );
        let disk = StoreError::DiskFull(DiskFull::File("0 bytes".to_owned()));
        for (what, sealing, parts) in [
            (
                rows,
                None,
                ["7 rows wait to be sealed", "headRows allows 5; push"],
            ),
            (memory, None, ["9 bytes of memory", "segmentBytes"]),
            (
                Busy::Queue { limit: 3 },
                None,
                ["3 pushes wait", "concurrentPushes"],
            ),
            (
                rows,
                Some(&disk),
                ["headRows", "cannot be sealed: the store's disk is full"],
            ),
        ] {
            watch.note_sealing(sealing);
            let text = watch.busy(what).to_string();
            assert!(parts.iter().all(|part| text.contains(part)), "{text}");
        }
    }

    #[test]
    fn a_refusal_stands_until_a_push_is_written_or_its_reason_is_gone_and_is_no_fault() {
        let watch = Watch::default();
        let disk = StoreError::DiskFull(DiskFull::Kept {
            free: 5,
            bytes: 10,
            kept: 100,
        });
        watch.refuse(&disk);
        watch.guard(INGEST, "commit", || ());
        let refusal = watch.refusal().unwrap();
        assert!(refusal.reason.contains("free some space"), "{refusal:?}");
        let room = Room {
            free: 5,
            needed: 110,
        };
        assert_eq!(refusal.room, Some(room));
        assert_eq!(watch.fault(), None);
        watch.accept();
        assert_eq!(watch.refusal(), None);
        watch.refuse(&disk);
        watch.withdraw(BUSY);
        assert_eq!(watch.refusal_kind(), Some(DISK_FULL), "of another kind");
        watch.withdraw(DISK_FULL);
        assert_eq!(watch.refusal(), None);
    }
}
