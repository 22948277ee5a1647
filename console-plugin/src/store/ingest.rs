//! The ingest thread: the only writer of the log. It takes decoded pushes, writes and syncs them in groups, shows their
//! rows to queries, and answers those who wait.
//!
//! **Invariant:** nobody is told that a push is stored before its frame is synced; rows appear to queries only after
//! that; of equal bodies within ten minutes one is stored. A panic costs the answers of its group and nothing else.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::config::LimitsConfig;
use super::dedup::{Digest, Window};
use super::error::{DiskFull, StoreError};
use super::intake::{Arriving, Pool};
use super::maintain::{Ending, LAST_SEALS};
use super::metrics::Metrics;
use super::push::{Encoding, Push};
use super::space::{need_room, now_ms};
use super::state::{Segment, State};
use super::wal::{Frame, Log};
use super::watch::{INGEST, Watch};

/// Bytes of bodies synced together: what a slow disk writes well within the 50 ms a push may wait.
const GROUP_BYTES: usize = 4 << 20;
/// How long a push waits for those that are being decoded: syncing them together costs one write and one wake-up of the
/// disk instead of several. Nothing is waited for when nobody else is pushing.
const GROUP_WAIT: Duration = Duration::from_millis(2);
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
    /// The place it takes until it is answered, whether or not its writer still waits. Who pushes from this process
    /// alone has none.
    pub permit: Option<OwnedSemaphorePermit>,
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
    pub arriving: Arc<Arriving>,
    pub watch: Arc<Watch>,
    pub window: Window,
    pub log: Log,
    /// Memory for what is written together, to be used again.
    pub frames: Vec<u8>,
    /// Number of the next segment. Each is tried once: what a failed attempt left behind may be in the way for ever.
    pub next: u64,
    /// When the segment got its first row.
    pub since: Option<Instant>,
    /// Wakes the file thread when a segment can be sealed.
    pub sealable: SyncSender<()>,
    pub ending: Arc<Ending>,
}

impl Ingest {
    /// Works until all senders are gone, then closes the segment.
    pub fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            match jobs.recv_timeout(TICK) {
                Ok(job) => {
                    let group = gather(job, jobs, &self.arriving, GROUP_WAIT);
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
        // Before the last segment wakes the file thread, which would seal a whole backlog otherwise.
        self.ending.begin(LAST_SEALS);
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
        let mut frames = std::mem::take(&mut self.frames);
        frames.clear();
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
        let written = self.write(&frames);
        if frames.capacity() <= 2 * GROUP_BYTES {
            self.frames = frames;
        }
        if let Err(error) = written {
            self.watch.refuse(&error);
            // A repetition may be one of a push of this very group, so it is not stored either.
            for job in fresh.into_iter().chain(repeated) {
                Metrics::count(&self.metrics.pushes_refused, error.kind(), 1);
                let _ = job.reply.send(Err(copy(&error)));
            }
            return;
        }
        if !fresh.is_empty() {
            self.watch.accept();
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
            drop(job.permit);
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
        need_room(&self.root, self.limits.free_bytes, frames.len() as u64)?;
        if self.log.is_broken() {
            self.rotate();
        }
        match self.log.commit(frames) {
            Err(error) if error.is_disk_full() => {
                Err(StoreError::DiskFull(DiskFull::File(error.to_string())))
            }
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

/// A push and those to be synced with it: everything queued, then, as long as somebody is decoding, what comes within
/// `wait` of the beginning; no more once there are [`GROUP_BYTES`].
fn gather(first: Job, jobs: &Receiver<Job>, arriving: &Arriving, wait: Duration) -> Vec<Job> {
    let deadline = Instant::now() + wait;
    let mut bytes = first.body.len();
    let mut group = vec![first];
    while bytes < GROUP_BYTES {
        let next = jobs.try_recv().or_else(|_| {
            if arriving.is_any() {
                jobs.recv_timeout(deadline.saturating_duration_since(Instant::now()))
            } else {
                Err(RecvTimeoutError::Timeout)
            }
        });
        let Ok(job) = next else { break };
        bytes += job.body.len();
        group.push(job);
    }
    group
}

fn copy(error: &StoreError) -> StoreError {
    match error {
        StoreError::DiskFull(reason) => StoreError::DiskFull(reason.clone()),
        StoreError::LogFailed(reason) => StoreError::LogFailed(reason.clone()),
        error => StoreError::LogFailed(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;
    use std::thread;

    use super::*;

    fn job(bytes: usize) -> Job {
        Job {
            encoding: Encoding::Json,
            body: vec![0; bytes].into(),
            digest: Digest([0; 16]),
            push: Push::default(),
            reply: oneshot::channel().0,
            permit: None,
        }
    }

    #[test]
    fn pushes_that_are_being_decoded_are_waited_for_and_others_are_not() {
        let hour = Duration::from_hours(1);
        let (sender, jobs) = sync_channel(4);
        let arriving = Arriving::default();
        sender.send(job(2)).expect("room");
        let group = gather(job(1), &jobs, &arriving, hour);
        assert_eq!(group.len(), 2, "what is queued, and nobody is waited for");

        let arrival = arriving.begin();
        let late = thread::spawn(move || {
            sender.send(job(2)).expect("room");
            sender.send(job(GROUP_BYTES)).expect("room");
            sender
        });
        let group = gather(job(1), &jobs, &arriving, hour);
        assert_eq!(group.len(), 3, "until there is enough to write");
        let sender = late.join().expect("no panic");

        let group = gather(job(1), &jobs, &arriving, Duration::from_millis(1));
        assert_eq!(group.len(), 1, "not for longer than said");
        drop(arrival);
        let group = gather(job(1), &jobs, &arriving, hour);
        assert_eq!(group.len(), 1, "nobody pushes any more");
        drop(sender);
    }
}
