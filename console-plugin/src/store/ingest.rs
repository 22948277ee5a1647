//! The ingest thread: the only writer of the log. It takes decoded pushes, writes and syncs them in groups, shows their
//! rows to queries, and answers those who wait.
//!
//! **Invariant:** nobody is told that a push is stored before its frame is synced; rows appear to queries only after
//! that; of equal bodies within ten minutes one is stored. A panic costs the answers of its group and nothing else.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::config::LimitsConfig;
use super::dedup::{Digest, Window};
use super::error::StoreError;
use super::lines::Lines;
use super::metrics::Metrics;
use super::push::{Encoding, Push};
use super::space::{free_bytes, now_ms};
use super::state::{Segment, State};
use super::wal::{Frame, Log};
use super::watch::{INGEST, Watch};

/// Bytes of bodies synced together: what a slow disk writes well within the 50 ms a push may wait.
const GROUP_BYTES: usize = 4 << 20;
/// How often the age of the segment is looked at when nothing comes.
const TICK: Duration = Duration::from_millis(250);

/// A decoded push and who waits for it.
#[derive(Debug)]
pub struct Job {
    pub encoding: Encoding,
    pub body: Bytes,
    pub digest: Digest,
    pub push: Push,
    pub reply: oneshot::Sender<Result<(), StoreError>>,
}

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

    fn give(&self, mut lines: Lines) {
        if lines.memory() <= POOLED_BYTES {
            lines.clear();
            let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
            if free.len() < self.limit {
                free.push(lines);
            }
        }
    }
}

/// What the ingest thread owns.
#[derive(Debug)]
pub struct Ingest {
    pub root: PathBuf,
    pub log_folder: PathBuf,
    pub limits: LimitsConfig,
    pub state: Arc<State>,
    pub metrics: Arc<Metrics>,
    pub pool: Arc<Pool>,
    pub watch: Arc<Watch>,
    pub window: Window,
    pub log: Log,
    /// Number of the next segment. Each is tried once: what a failed attempt left behind may be in the way for ever.
    pub next: u64,
    /// When the segment got its first row.
    pub since: Option<Instant>,
    /// Wakes the file thread when a segment can be sealed.
    pub sealable: SyncSender<()>,
}

impl Ingest {
    /// Works until all senders are gone, then closes the segment.
    pub fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            match jobs.recv_timeout(TICK) {
                Ok(job) => {
                    let mut bytes = job.body.len();
                    let mut group = vec![job];
                    while bytes < GROUP_BYTES
                        && let Ok(job) = jobs.try_recv()
                    {
                        bytes += job.body.len();
                        group.push(job);
                    }
                    self.guard("commit", |ingest| ingest.commit(group));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self
                .since
                .is_some_and(|since| since.elapsed() >= self.limits.segment_age.0)
            {
                self.guard("rotate", Self::rotate);
            }
        }
        if self.since.is_some() {
            self.guard("rotate", Self::rotate);
        }
    }

    /// A panic costs that piece of work and not the thread.
    fn guard(&mut self, kind: &'static str, work: impl FnOnce(&mut Self)) {
        let watch = Arc::clone(&self.watch);
        watch.guard(INGEST, kind, || work(self));
    }

    fn commit(&mut self, group: Vec<Job>) {
        let started = Instant::now();
        let now_ms = now_ms();
        let mut frames = Vec::with_capacity(group.iter().map(|job| job.body.len() + 64).sum());
        let (mut fresh, mut repeated): (Vec<Job>, Vec<Job>) = (Vec::new(), Vec::new());
        for job in group {
            let is_known = self.window.contains(&job.digest, now_ms)
                || fresh.iter().any(|other| other.digest == job.digest);
            if is_known {
                repeated.push(job);
                continue;
            }
            Frame {
                digest: job.digest,
                time_ms: now_ms,
                encoding: job.encoding,
                body: &job.body,
            }
            .write(&mut frames);
            fresh.push(job);
        }
        if let Err(error) = self.write(&frames) {
            // A repetition may be one of a push of this very group, so it is not stored either.
            for job in fresh.into_iter().chain(repeated) {
                Metrics::count(&self.metrics.pushes_refused, error.kind(), 1);
                let _ = job.reply.send(Err(copy(&error)));
            }
            return;
        }
        self.metrics
            .commit_seconds
            .observe(started.elapsed().as_secs_f64());
        let mut size = (0, 0);
        let forgotten = self.window.forgotten;
        for mut job in fresh {
            size = self.state.append(&job.push.lines, job.digest, now_ms);
            self.window.insert(job.digest, now_ms);
            self.metrics.pushes.inc();
            self.metrics.push_bytes.inc_by(job.body.len() as u64);
            self.metrics.rows.inc_by(job.push.lines.len as u64);
            self.metrics.count_lines(&job.push.faults);
            self.metrics.mistyped_fields.inc_by(job.push.mistyped);
            self.since.get_or_insert(started);
            // Who does not wait any more will push again, and is answered then.
            let _ = job.reply.send(Ok(()));
            self.pool.give(std::mem::take(&mut job.push.lines));
        }
        for job in repeated {
            self.metrics.pushes_duplicate.inc();
            let _ = job.reply.send(Ok(()));
        }
        self.metrics
            .forgotten_pushes
            .inc_by(self.window.forgotten - forgotten);
        if size.0 >= self.limits.segment_rows || size.1 as u64 >= self.limits.segment_bytes {
            self.rotate();
        }
    }

    fn write(&mut self, frames: &[u8]) -> Result<(), StoreError> {
        if frames.is_empty() {
            return Ok(());
        }
        let free = free_bytes(&self.root)?;
        if free < self.limits.free_bytes.saturating_add(frames.len() as u64) {
            return Err(StoreError::DiskFull(format!(
                "{free} bytes are free, store.limits.freeBytes keeps some back"
            )));
        }
        match self.log.commit(frames) {
            Err(error) if error.is_disk_full() => Err(StoreError::DiskFull(error.to_string())),
            Err(error) => {
                tracing::error!(%error, "cannot write the log; beginning another segment");
                self.rotate();
                Err(StoreError::LogFailed(error.to_string()))
            }
            Ok(()) => Ok(()),
        }
    }

    /// Closes the segment and begins the next. If that is not possible now, the segment grows on.
    fn rotate(&mut self) {
        let number = self.next;
        self.next += 1;
        match Log::create(&self.log_folder, number) {
            Ok(log) => {
                self.state.push_segment(Segment::new(log.number));
                self.log = log;
                self.since = None;
                let _ = self.sealable.try_send(());
            }
            Err(error) => {
                Metrics::count(&self.metrics.file_errors, error.kind(), 1);
                tracing::warn!(%error, "cannot begin a log segment, the present one goes on");
                // Tried again after another segment's age.
                self.since = self.since.map(|_| Instant::now());
            }
        }
    }
}

fn copy(error: &StoreError) -> StoreError {
    match error {
        StoreError::DiskFull(reason) => StoreError::DiskFull(reason.clone()),
        error => StoreError::LogFailed(error.to_string()),
    }
}
