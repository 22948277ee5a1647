//! What can go wrong in the store, each with its place and the next step.
//!
//! **Invariant:** `kind()` is stable, because it becomes a metric label.

use std::io;
use std::path::{Path, PathBuf};

use crate::durable;

/// Kinds of errors that end without a push.
pub const DISK_FULL: &str = "disk_full";
pub const BUSY: &str = "busy";
pub const LOG_FAILED: &str = "log_failed";

/// What there is too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    #[error("{rows} rows wait to be sealed, store.limits.headRows allows {limit}")]
    Rows { rows: usize, limit: usize },
    #[error(
        "rows that wait to be sealed take {bytes} bytes of memory, {limit} are allowed (store.limits.segmentBytes for \
         each store.limits.segmentRows of store.limits.headRows)"
    )]
    Memory { bytes: usize, limit: u64 },
    #[error("{limit} pushes wait for the disk (store.limits.concurrentPushes)")]
    Queue { limit: usize },
}

/// Why a disk takes no more. Sizes in bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiskFull {
    #[error(
        "{free} bytes are free, {bytes} are to be written and {kept} kept back by store.limits.freeBytes"
    )]
    Kept { free: u64, bytes: u64, kept: u64 },
    /// The file system's own refusal.
    #[error("{0}")]
    File(String),
}

fn sealing_text(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| {
        format!("; rows cannot be sealed: {reason}")
    })
}

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{action} {path}: {source}", path = path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("the folder {path} is used by another program (lock {path}/lock); stop it or set store.path", path = path.display())]
    InUse { path: PathBuf },
    #[error("no store is in {path}: name its folder, `flows` in it, or the DATA of make run", path = .0.display())]
    NoStore(PathBuf),
    #[error("the hour at {hour_ms} ms has no folder's name: its rows stay in the log")]
    NoHour { hour_ms: i64 },
    #[error("{path} is damaged: {reason}", path = path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error(
        "the store's disk is full ({0}): free some space or lower store.retention.bytes; flows can still be read"
    )]
    DiskFull(DiskFull),
    #[error(
        "the write-ahead log cannot be written ({0}): look at the disk of store.path; the store tries again with each push and every few seconds"
    )]
    LogFailed(String),
    #[error("the store is busy: {what}{}; push again later", sealing_text(.sealing.as_deref()))]
    Busy {
        what: Busy,
        /// Why rows could not be sealed the last time, if so: nothing else makes room for others.
        sealing: Option<String>,
    },
    #[error("the store is shutting down")]
    Closed,
    #[error("the store failed inside, see its log; push again")]
    Internal,
    #[error("{0}")]
    Push(#[from] super::push::PushError),
    #[error("{0}")]
    InvalidQuery(String),
    #[error(
        "the query took longer than its deadline; ask for a shorter time range or fewer groups"
    )]
    Deadline,
    #[error("the query was given up by its client")]
    Cancelled,
    #[error(
        "the query needs more than what is left of the {limit} bytes of memory for all queries (store.limits.queryMemory); ask for a shorter time range or fewer groups"
    )]
    QueryMemory { limit: usize },
}

impl StoreError {
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    pub fn damaged(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Damaged {
            path: path.to_path_buf(),
            reason: reason.to_string(),
        }
    }

    /// Stable name of the kind of error.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Io { .. } => "io",
            Self::InUse { .. } => "in_use",
            Self::NoStore(_) => "no_store",
            Self::DiskFull(_) => DISK_FULL,
            Self::NoHour { .. } => "no_hour",
            Self::Damaged { .. } => "damaged",
            Self::LogFailed(_) => LOG_FAILED,
            Self::Busy { .. } => BUSY,
            Self::Closed => "closed",
            Self::Internal => "internal",
            Self::Push(error) => error.kind(),
            Self::InvalidQuery(_) => "invalid_query",
            Self::Deadline => "deadline",
            Self::Cancelled => "cancelled",
            Self::QueryMemory { .. } => "query_memory",
        }
    }

    /// Whether the file system had no room.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Io { source, .. } => durable::is_disk_full(source),
            Self::DiskFull(_) => true,
            _ => false,
        }
    }
}
