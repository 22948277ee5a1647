//! The built-in flow store: takes flows by Loki's push API, keeps them in Parquet files, answers queries over them.
//!
//! Opened by the composition root, pushed to through [`push_router`], asked by the source of the API.
//!
//! ```text
//! push -> decode -> log (synced, then acknowledged) -> head (memory) -> files, one per hour -> merged -> expired
//! ```
//!
//! **Invariant:** knows nothing of the API's parameters, of LogQL or of pages; what it promises stands in
//! `ARCHITECTURE.md`, section "Store".

mod batch;
mod clock;
pub mod config;
mod dedup;
mod error;
mod exec;
mod fields;
mod files;
mod http;
mod ingest;
mod intake;
pub mod json;
mod lines;
mod maintain;
mod metrics;
mod open;
pub mod push;
pub mod query;
mod row_group;
mod rows;
mod seal;
mod space;
mod state;
pub mod tool;
mod wal;
mod watch;
mod words;

use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use prometheus_client::registry::Registry;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

pub use self::error::{Busy, StoreError};
pub use self::http::push_router;
pub use self::state::Sizes;
pub use self::watch::{Refusal, Room};

use self::config::StoreConfig;
use self::dedup::Digest;
use self::exec::Executor;
use self::files::{HOUR_MS, TIMES_MS};
use self::ingest::Job;
use self::intake::{Arriving, Pool};
use self::metrics::{Metrics, QueryLabels};
use self::push::{Encoding, PushError, PushLimits};
use self::query::{
    AggregateAnswer, AggregateQuery, Control, RecordsAnswer, RecordsQuery, ValuesAnswer,
    ValuesQuery,
};
use self::space::now_ms;
use self::state::State;
use self::watch::Watch;

/// Handle of the store; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: StoreConfig,
    state: Arc<State>,
    metrics: Arc<Metrics>,
    executor: Executor,
    pool: Arc<Pool>,
    arriving: Arc<Arriving>,
    watch: Arc<Watch>,
    /// Pushes that may be decoded or wait for the disk at a time.
    permits: Arc<Semaphore>,
    jobs: Mutex<Option<SyncSender<Job>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Locked as long as this process uses the folder.
    _lock: open::FolderLock,
}

impl Store {
    /// Opens the folder, replays the log and starts the two threads of the store.
    pub fn open(config: StoreConfig) -> Result<Self, StoreError> {
        open::open(config).map(|inner| Self {
            inner: Arc::new(inner),
        })
    }

    /// Stores a push; returns when it is synced. Blocks: for async callers see [`push_router`].
    pub fn push(&self, encoding: Encoding, body: Bytes) -> Result<(), StoreError> {
        self.begin_push(encoding, body, None)?
            .blocking_recv()
            .unwrap_or_else(|_| Err(self.unanswered()))
    }

    /// Nobody answers a push: the thread that worked on it panicked.
    fn unanswered(&self) -> StoreError {
        let error = StoreError::Internal;
        Metrics::count(&self.inner.metrics.pushes_refused, error.kind(), 1);
        error
    }

    /// Why the store is not ready, if so.
    pub fn fault(&self) -> Option<String> {
        self.inner.watch.fault()
    }

    /// Why pushes are refused, from the first refused one to the next that is stored or until the file thread sees that
    /// there is room again; it can be read meanwhile.
    pub fn refusal(&self) -> Option<Refusal> {
        self.inner.watch.refusal()
    }

    /// Decodes a push and queues it; the receiver gets the outcome once it is synced. `permit` is given back then, not
    /// when somebody stops waiting: until then the push takes memory.
    fn begin_push(
        &self,
        encoding: Encoding,
        body: Bytes,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<oneshot::Receiver<Result<(), StoreError>>, StoreError> {
        let queued = self.queue_push(encoding, body, permit);
        if let Err(error) = &queued {
            Metrics::count(&self.inner.metrics.pushes_refused, error.kind(), 1);
            match error {
                StoreError::Push(PushError::NoLine { faults, .. }) => {
                    self.inner.metrics.count_refused_lines(faults);
                }
                StoreError::Busy { .. } => self.inner.watch.refuse(error),
                _ => {}
            }
        }
        queued
    }

    fn queue_push(
        &self,
        encoding: Encoding,
        body: Bytes,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<oneshot::Receiver<Result<(), StoreError>>, StoreError> {
        let limits = &self.inner.config.limits;
        if let Some(what) = limits.full_head(self.inner.state.head()) {
            return Err(self.inner.watch.busy(what));
        }
        let wall_ms = now_ms();
        let bounds = push_limits(
            &self.inner.config,
            self.inner.state.now_ms(wall_ms),
            wall_ms,
        );
        let arrival = self.inner.arriving.begin();
        let push = push::decode(encoding, &body, &bounds, self.inner.pool.take())?;
        if let Some(reason) = &push.first_fault {
            tracing::debug!(
                lines = push.faults.iter().sum::<u64>(),
                reason,
                "lines left out of a push"
            );
        }
        let digest = Digest::of_push(encoding, &body);
        let (reply, outcome) = oneshot::channel();
        let jobs = self
            .inner
            .jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(jobs) = jobs.as_ref() else {
            return Err(StoreError::Closed);
        };
        // Before it is queued, so that nobody waits for what is there already.
        drop(arrival);
        match jobs.try_send(Job {
            encoding,
            body,
            digest,
            push,
            reply,
            permit,
        }) {
            Ok(()) => Ok(outcome),
            Err(TrySendError::Full(_)) => Err(self.inner.watch.busy(Busy::Queue {
                limit: limits.concurrent_pushes,
            })),
            Err(TrySendError::Disconnected(_)) => Err(StoreError::Closed),
        }
    }

    /// The newest rows that pass the filter.
    pub fn records(
        &self,
        query: &RecordsQuery,
        control: &Control,
    ) -> Result<RecordsAnswer, StoreError> {
        self.timed("records", || self.inner.executor.records(query, control))
    }

    /// Series of numbers per group and step.
    pub fn aggregate(
        &self,
        query: &AggregateQuery,
        control: &Control,
    ) -> Result<AggregateAnswer, StoreError> {
        self.timed("aggregate", || {
            self.inner.executor.aggregate(query, control)
        })
    }

    /// Values of a field with their counts.
    pub fn values(
        &self,
        query: &ValuesQuery,
        control: &Control,
    ) -> Result<ValuesAnswer, StoreError> {
        self.timed("values", || self.inner.executor.values(query, control))
    }

    fn timed<T>(
        &self,
        query: &'static str,
        run: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let started = Instant::now();
        let answer = run();
        let outcome = answer.as_ref().map_or_else(StoreError::kind, |_| "ok");
        self.inner
            .metrics
            .queries
            .get_or_create(&QueryLabels { query, outcome })
            .inc();
        self.inner
            .metrics
            .query_seconds
            .observe(started.elapsed().as_secs_f64());
        answer
    }

    /// What the store holds now.
    pub fn sizes(&self) -> Sizes {
        self.inner.state.sizes()
    }

    /// The hours of which a damaged file was set aside: from and to, Unix milliseconds. Nobody knows what it held.
    pub fn damaged(&self) -> Vec<(i64, i64)> {
        let hours = self.inner.state.damaged().into_iter();
        hours.map(|from| (from, from + HOUR_MS)).collect()
    }

    /// Folder of the store.
    pub fn path(&self) -> &PathBuf {
        &self.inner.config.path
    }

    /// Adds the store's metrics.
    pub fn register(&self, registry: &mut Registry) {
        self.inner
            .metrics
            .register(registry, Arc::clone(&self.inner.state), &self.inner.watch);
    }

    /// Takes no more pushes, seals what is in memory and ends the threads. Queries go on. Blocks.
    pub fn shutdown(&self) {
        drop(
            self.inner
                .jobs
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        let threads = std::mem::take(
            &mut *self
                .inner
                .threads
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for thread in threads {
            // A panic was reported by the thread itself; the log still has what it did not seal.
            let _ = thread.join();
        }
    }
}

/// Bounds of a push. Rows are too old by the store's own clock, which may be behind the machine's, and too far ahead
/// by the machine's. Beyond what a file can be named after none is taken, whatever is configured.
fn push_limits(config: &StoreConfig, now_ms: i64, wall_ms: i64) -> PushLimits {
    PushLimits {
        decoded_bytes: config.limits.push_decoded_bytes,
        line_bytes: config.limits.line_bytes,
        lines: config.limits.push_lines,
        oldest_ms: now_ms
            .saturating_sub(millis(config.retention.age.0))
            .max(*TIMES_MS.start()),
        newest_ms: wall_ms
            .saturating_add(millis(config.limits.future.0))
            .min(*TIMES_MS.end()),
    }
}

/// Bounds of a push that is read from the log again. It was accepted once, so that a limit that was lowered since refuses
/// nothing of it. Of rows that were too far ahead of `pushed_ms` most are left out again; what was too long or too old
/// then may come back.
fn replay_limits(config: &StoreConfig, pushed_ms: i64) -> PushLimits {
    let future = config
        .limits
        .future
        .0
        .max(config::LimitsConfig::default().future.0);
    PushLimits {
        decoded_bytes: config::PUSH_DECODED_BYTES_MAX,
        line_bytes: usize::MAX,
        lines: usize::MAX,
        oldest_ms: *TIMES_MS.start(),
        newest_ms: pushed_ms
            .saturating_add(millis(future))
            .min(*TIMES_MS.end()),
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
