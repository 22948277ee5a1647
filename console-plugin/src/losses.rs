//! What was lost on the way here: loss counters of the other components, read every 15 s, their
//! differences kept with the flows.
//!
//! `poll` reads, `text` picks counters out of a metrics page, `ledger` decides what a reading means,
//! `file` keeps it over restarts. Asked by `api`.
//! **Invariant:** an interval nobody can account for is recorded as such and never as a number.

mod fetch;
mod file;
mod ledger;
mod poll;
#[cfg(test)]
mod tests;
mod text;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use self::file::LossFile;
use self::ledger::{Entry, Ledger};
use crate::config::LossTarget;
use crate::metrics::Metrics;

/// How often counters are read.
const INTERVAL: Duration = Duration::from_secs(15);

/// Why losses cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("{action} {path}: {source}; check that store.path can be written")]
pub struct LossError {
    action: &'static str,
    path: std::path::PathBuf,
    source: std::io::Error,
}

/// What a loss counter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Flow records.
    Records,
    /// Packets that are in no record.
    Packets,
    /// Batches of records, nobody knows how many.
    Pushes,
}

/// Losses of one component by one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Loss {
    /// Which component.
    pub component: String,
    /// Why.
    pub cause: String,
    /// How many.
    pub amount: u64,
    /// Of what.
    pub unit: Unit,
}

/// When records were lost: between two readings of a counter, nobody knows closer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LossInterval {
    /// Which component.
    pub component: String,
    /// Why.
    pub cause: String,
    /// How many.
    pub amount: u64,
    /// Of what.
    pub unit: Unit,
    /// From, Unix milliseconds.
    pub from: i64,
    /// To, Unix milliseconds.
    pub to: i64,
}

/// When a component's losses are not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Unaccounted {
    /// Which component.
    pub component: String,
    /// From, Unix milliseconds.
    pub from: i64,
    /// To, Unix milliseconds.
    pub to: i64,
}

/// A watched component that has never answered: it is not running, or its metrics cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NeverSeen {
    /// Which component.
    pub component: String,
    /// First try, Unix milliseconds.
    pub since: i64,
    /// That was less than a minute ago, so it may just be coming up.
    pub is_starting: bool,
}

/// The answer for a range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LossReport {
    /// Sums, by component and cause.
    pub losses: Vec<Loss>,
    /// The newest 500 of what `losses` sums up, one by one and the oldest of them first.
    pub intervals: Vec<LossInterval>,
    /// Intervals in which a component that has been seen ran, or may have run, without anybody counting; and hours of which
    /// the flow store had to set a damaged file aside.
    pub unaccounted: Vec<Unaccounted>,
    /// Components of which nothing is known, whatever the range, since they have never answered.
    pub never_seen: Vec<NeverSeen>,
    /// Components that are watched; one that is not here is not configured and nothing is known of it.
    pub components: Vec<String>,
}

/// Handle on what was lost; clones share it.
#[derive(Clone)]
pub struct Losses(Arc<Shared>);

struct Shared {
    targets: Vec<LossTarget>,
    ledger: Mutex<Ledger>,
    /// Taken before the ledger, and by the reader of the targets alone: who asks does not wait for a disk.
    file: Mutex<LossFile>,
}

impl Losses {
    /// Reads what was kept in `folder`; entries older than `retention` go.
    pub fn open(
        folder: &Path,
        retention: Duration,
        targets: Vec<LossTarget>,
        now_ms: i64,
    ) -> Result<Self, LossError> {
        let retention_ms = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
        let (file, ledger) = LossFile::open(folder, now_ms.saturating_sub(retention_ms))?;
        Ok(Self(Arc::new(Shared {
            targets,
            ledger: Mutex::new(ledger),
            file: Mutex::new(file),
        })))
    }

    /// What was lost from `start_ms` to `end_ms`. Looks at up to 100,000 entries: not for an async thread.
    pub fn between(&self, start_ms: i64, end_ms: i64, now_ms: i64) -> LossReport {
        let mut components: Vec<String> = self
            .0
            .targets
            .iter()
            .map(|target| target.component.clone())
            .collect();
        components.sort_unstable();
        components.dedup();
        let ledger = lock(&self.0.ledger);
        let (losses, unaccounted) = ledger.between(start_ms, end_ms, now_ms);
        let intervals = ledger.intervals(start_ms, end_ms);
        let never_seen = ledger.never_seen(now_ms);
        drop(ledger);
        LossReport {
            losses,
            intervals,
            unaccounted,
            never_seen,
            components,
        }
    }

    /// Reads all targets every 15 s until `shutdown`, and writes down when that was.
    pub async fn watch(self, metrics: Metrics, shutdown: CancellationToken) {
        self.read_until(&metrics, shutdown).await;
        kept(tokio::task::spawn_blocking(move || self.keep_times()).await);
    }

    async fn read_until(&self, metrics: &Metrics, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.read_all(metrics) => {}
            }
        }
    }

    /// Reads all targets once.
    async fn read_all(&self, metrics: &Metrics) {
        let readings = poll::read_targets(&self.0.targets).await;
        let now_ms = jiff::Timestamp::now().as_millisecond();
        let this = self.clone();
        let failed: Vec<String> = readings
            .iter()
            .filter(|reading| reading.page.is_none())
            .map(|reading| reading.component.clone())
            .collect();
        for component in failed {
            metrics.loss_read_failed(&component);
        }
        kept(tokio::task::spawn_blocking(move || this.keep(readings, now_ms)).await);
    }

    fn keep(&self, readings: Vec<poll::Reading>, now_ms: i64) -> Result<(), LossError> {
        let mut file = lock(&self.0.file);
        let mut ledger = lock(&self.0.ledger);
        let added = ledger.note(readings, now_ms);
        let all: Option<Vec<Entry>> = file
            .is_full(added.len())
            .then(|| ledger.entries().cloned().collect());
        let last = ledger.last().clone();
        drop(ledger);
        file.append(&added, all.as_deref())?;
        file.keep_state(last, Instant::now())
    }

    /// Writes the last readings for their times alone.
    fn keep_times(&self) -> Result<(), LossError> {
        let mut file = lock(&self.0.file);
        let last = lock(&self.0.ledger).last().clone();
        file.append(&[], None)?;
        file.write_state(last, Instant::now())
    }
}

fn kept(outcome: Result<Result<(), LossError>, tokio::task::JoinError>) {
    if let Ok(Err(error)) = outcome {
        tracing::warn!(%error, "losses are not kept over a restart");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while it was held leaves counters that are still true.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
