//! The file thread: seals closed log segments, merges small files, applies retention.
//!
//! **Invariant:** each step is complete or has no effect after a crash; a step that fails is counted, tried again
//! later, and stops no other.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parquet::file::metadata::PageIndexPolicy;

use super::batch::Batch;
use super::clock::{Clock, ClockFile};
use super::config::StoreConfig;
use super::dedup::WINDOW_MS;
use super::error::{BUSY, DISK_FULL, LOG_FAILED, StoreError};
use super::files::{FileMeta, HOUR_MS, StoredFile, expire_damaged, guarded, parquet_error};
use super::metrics::Metrics;
use super::millis;
use super::push::Encoding;
use super::row_group;
use super::seal::{ROW_GROUP_ROWS, write_hours};
use super::space::{need_room, now_ms, unix_ms};
use super::state::State;
use super::wal::{Frame, numbers, seen_path, segment_path, write_whole};
use super::watch::{FILES, Watch};

/// How often merging and retention are looked at.
const TICK: Duration = Duration::from_secs(5);
/// When work that failed is tried again: the disk may be full.
const RETRY: Duration = Duration::from_secs(1);
/// A file of at least this many rows is not worth merging: its row groups are at least half full.
const SMALL_ROWS: u64 = ROW_GROUP_ROWS as u64;
/// Rows that are merged at a time. With [`MERGED_BYTES`] it bounds the memory of a merge: a row takes about 400 bytes
/// beside its texts.
const MERGED_ROWS: u64 = 2 * SMALL_ROWS;
/// Bytes before compression that are merged at a time, far below what 32-bit offsets reach.
const MERGED_BYTES: u64 = 256 << 20;
/// Files of an hour that is still growing are merged in tens if they are far from filling a row group.
const MERGE_COUNT: usize = 10;
/// After this an hour is taken to be over, and what it has is merged.
const SETTLED_MS: i64 = 10 * 60 * 1000;
/// Bytes that sealing a row may need: what is never there is not begun.
const SEALED_ROW_BYTES: u64 = 64;
/// At the end no further segment is sealed after this: the log keeps what is left, and the start replays it.
pub const LAST_SEALS: Duration = Duration::from_secs(3);

/// That the store is closing, and until when segments are still sealed.
#[derive(Debug, Default)]
pub struct Ending(OnceLock<Instant>);

impl Ending {
    /// No segment is begun to be sealed after `time` from now on, and no files are merged.
    pub fn begin(&self, time: Duration) {
        let _ = self.0.set(Instant::now() + time);
    }

    fn has_begun(&self) -> bool {
        self.0.get().is_some()
    }

    fn is_over(&self) -> bool {
        self.0.get().is_some_and(|end| Instant::now() >= *end)
    }
}

/// What the file thread owns.
#[derive(Debug)]
pub struct Maintainer {
    pub config: StoreConfig,
    pub flows: PathBuf,
    pub log_folder: PathBuf,
    pub state: Arc<State>,
    pub metrics: Arc<Metrics>,
    pub watch: Arc<Watch>,
    pub clock: Clock,
    pub clock_file: ClockFile,
    /// When the clock was looked at last.
    pub ticked: Instant,
    pub ending: Arc<Ending>,
}

impl Maintainer {
    /// Works until the ingest thread is gone and what it left is sealed.
    pub fn run(mut self, sealable: &Receiver<()>) {
        let mut has_failed = false;
        loop {
            let woken = sealable.recv_timeout(if has_failed { RETRY } else { TICK });
            let is_end = woken == Err(RecvTimeoutError::Disconnected);
            has_failed = !self.work(is_end);
            if is_end {
                return;
            }
        }
    }

    /// Everything that is to do now, each step guarded by itself; false if sealing failed.
    fn work(&mut self, is_end: bool) -> bool {
        let watch = Arc::clone(&self.watch);
        watch.guard(FILES, "clock", || self.tick(is_end));
        let sealed = watch.guard(FILES, "seal", || {
            let outcome = self.seal_all();
            watch.note_sealing(outcome.as_ref().err());
            self.report("seal", &outcome)
        });
        if !is_end {
            watch.guard(FILES, "retention", || {
                self.report("apply retention to", &self.expire());
                self.report("delete the old damaged of", &self.expire_damaged());
            });
            watch.guard(FILES, "refusal", || self.withdraw_refusal());
            // A segment that panics stays, and those behind it wait, so that no merged file spans one that is not sealed.
            let stuck = match sealed {
                None => self.state.sealable().len(),
                Some(_) => 0,
            };
            while sealed != Some(false)
                && !self.ending.has_begun()
                && self.state.sealable().len() <= stuck
                && watch.guard(FILES, "merge", || self.report_merge()) == Some(true)
            {}
        }
        sealed == Some(true)
    }

    /// Looks at the clock.
    fn tick(&mut self, is_end: bool) {
        // `Instant` does not count a suspension. The clock that does takes its length from the machine's own clock, which
        // may be wrong by years; so a machine that slept for long deletes late, never early.
        let ticked = Instant::now();
        let passed_ms = millis(ticked.saturating_duration_since(self.ticked));
        self.ticked = ticked;
        let was_doubting = self.clock.is_doubting();
        self.clock.tick(now_ms(), passed_ms);
        self.state.set_clock(self.clock);
        if self.clock.is_doubting() && !was_doubting {
            tracing::warn!(
                now_ms = self.clock.now_ms,
                machine_ms = now_ms(),
                "the machine's clock is far ahead; rows are deleted by it once it has been so for store.retention.age"
            );
        }
        let saved = self.clock_file.save(&self.clock, is_end);
        self.report("save the clock beside", &saved);
    }

    /// Takes back a refusal of pushes whose reason is gone.
    fn withdraw_refusal(&self) {
        let limits = &self.config.limits;
        let Some(kind) = self.watch.refusal_kind() else {
            return;
        };
        let is_over = match kind {
            DISK_FULL => need_room(&self.config.path, limits.free_bytes, 0).is_ok(),
            BUSY => limits.full_head(self.state.head()).is_none(),
            LOG_FAILED => self.is_log_writable(),
            _ => false,
        };
        if is_over {
            self.watch.withdraw(kind);
            tracing::info!(kind, "pushes are taken again");
        }
    }

    /// Whether a file can be written beside the log's.
    fn is_log_writable(&self) -> bool {
        let probe = self.log_folder.join("probe");
        let written = write_whole(&probe, b"probe");
        written.is_ok_and(|()| fs::remove_file(&probe).is_ok())
    }

    fn report(&self, step: &str, outcome: &Result<(), StoreError>) -> bool {
        if let Err(error) = outcome {
            Metrics::count(&self.metrics.file_errors, error.kind(), 1);
            tracing::warn!(%error, "cannot {step} the files of the store now, will try again");
        }
        outcome.is_ok()
    }

    fn report_merge(&self) -> bool {
        match self.merge_one(now_ms()) {
            Ok(is_done) => is_done,
            Err(error) => {
                self.report("merge", &Err(error));
                false
            }
        }
    }

    /// Turns each closed segment into files, as long as there is time.
    fn seal_all(&self) -> Result<(), StoreError> {
        for number in self.state.sealable() {
            if self.ending.is_over() {
                tracing::info!("what is not sealed yet stays in the log");
                break;
            }
            self.seal(number)?;
        }
        Ok(())
    }

    fn seal(&self, number: u64) -> Result<(), StoreError> {
        let Some((chunks, pushes)) = self.state.segment(number) else {
            return Ok(());
        };
        let batches: Vec<Arc<Batch>> = chunks.into_iter().map(|chunk| chunk.batch).collect();
        let rows: usize = batches.iter().map(|batch| batch.rows).sum();
        // What is kept back is for this: sealing empties the log.
        need_room(&self.config.path, 0, rows as u64 * SEALED_ROW_BYTES)?;
        let files = write_hours(&self.flows, (number, number), &batches)?;
        let mut seen = Vec::new();
        for (digest, time_ms) in pushes {
            Frame {
                digest,
                time_ms,
                encoding: Encoding::Protobuf,
                body: &[],
            }
            .write(&mut seen);
        }
        // From here on the rows are in the files, whatever happens.
        write_whole(&seen_path(&self.log_folder, number), &seen)?;
        self.state.seal(number, files);
        self.metrics.seals.inc();
        let log = segment_path(&self.log_folder, number);
        match fs::remove_file(&log) {
            // There was no room to create it, so it has no rows.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(StoreError::io("delete the sealed log segment", &log)),
        }
    }

    /// Deletes files beyond retention and digests beyond their ten minutes.
    fn expire(&self) -> Result<(), StoreError> {
        let now_ms = now_ms();
        let oldest_ms = self.oldest_ms();
        let (mut gone, mut kept): (Vec<_>, Vec<_>) = self
            .state
            .files()
            .into_iter()
            .partition(|file| file.max_ms < oldest_ms);
        // In the order of their coming, as a row's time may be that of a wrong clock.
        kept.sort_unstable_by_key(|file| (file.segments.1, file.max_ms));
        let mut bytes: u64 = kept.iter().map(|file| file.bytes).sum();
        gone.extend(kept.into_iter().take_while(|file| {
            let is_beyond = bytes > self.config.retention.bytes;
            bytes -= file.bytes;
            is_beyond
        }));
        for file in &gone {
            self.metrics.expired_files.inc();
            self.metrics.expired_rows.inc_by(file.rows);
        }
        self.state.replace(&gone, None);
        let mut outcome = Ok(());
        for number in numbers(&self.log_folder, "seen")? {
            // It could not be deleted when it was sealed. Without its `.seen` the start would read its rows again.
            let log = segment_path(&self.log_folder, number);
            if log.exists()
                && let Err(error) = fs::remove_file(&log)
            {
                outcome = Err(StoreError::io("delete the sealed log segment", &log)(error));
                continue;
            }
            let path = seen_path(&self.log_folder, number);
            // Written after the newest of its pushes was accepted, so nothing is forgotten early.
            let written = fs::metadata(&path).and_then(|found| found.modified());
            if unix_ms(written.map_err(StoreError::io("look at", &path))?) < now_ms - WINDOW_MS {
                fs::remove_file(&path).map_err(StoreError::io("delete", &path))?;
            }
        }
        outcome
    }

    /// Deletes damaged files as old as those that retention deletes.
    fn expire_damaged(&self) -> Result<(), StoreError> {
        let expired = &self.metrics.expired_files;
        expire_damaged(&self.config.path, self.oldest_ms(), expired)
    }

    /// What is older goes, Unix milliseconds.
    fn oldest_ms(&self) -> i64 {
        self.clock.now_ms - millis(self.config.retention.age.0)
    }

    /// Merges the small files of one hour; false if there was nothing to do.
    fn merge_one(&self, now_ms: i64) -> Result<bool, StoreError> {
        let Some(sources) = choose(self.state.files(), now_ms) else {
            return Ok(false);
        };
        let bytes: u64 = sources.iter().map(|file| file.bytes).sum();
        need_room(&self.config.path, self.config.limits.free_bytes, bytes)?;
        let mut batches = Vec::new();
        for file in &sources {
            match read_file(file) {
                Ok(read) => batches.extend(read),
                Err(StoreError::Damaged { reason, .. }) => {
                    self.set_aside(file, &reason);
                    return Ok(true);
                }
                Err(error) => return Err(error),
            }
        }
        let first = sources
            .iter()
            .map(|file| file.segments.0)
            .min()
            .unwrap_or_default();
        let last = sources
            .iter()
            .map(|file| file.segments.1)
            .max()
            .unwrap_or_default();
        let merged = write_hours(&self.flows, (first, last), &batches)?;
        self.state.replace(&sources, merged);
        self.metrics.merges.inc();
        Ok(true)
    }

    fn set_aside(&self, file: &StoredFile, reason: &str) {
        set_aside(&self.config.path, &self.state, &self.metrics, file, reason);
    }
}

/// Takes a damaged file out of the store.
pub fn set_aside(root: &Path, state: &State, metrics: &Metrics, file: &StoredFile, reason: &str) {
    state.forget(file);
    if file.set_aside(root) {
        metrics.damaged_files.inc();
        tracing::error!(path = %file.path.display(), rows = file.rows, reason, "damaged file set aside");
    }
}

/// Small files next to each other (by segment) in one hour that are worth merging.
fn choose(mut files: Vec<Arc<StoredFile>>, now_ms: i64) -> Option<Vec<Arc<StoredFile>>> {
    files.sort_unstable_by_key(|file| (file.hour_ms, file.segments));
    let is_small = |file: &StoredFile| {
        file.rows < SMALL_ROWS && file.plain_bytes <= MERGED_BYTES / 2 && file.foreign.is_empty()
    };
    let is_together = |a: &Arc<StoredFile>, b: &Arc<StoredFile>| {
        a.hour_ms == b.hour_ms && is_small(a) && is_small(b)
    };
    for run in files.chunk_by(is_together) {
        let is_settled = run[0].hour_ms + HOUR_MS + SETTLED_MS < now_ms;
        let (mut rows, mut bytes) = (0, 0);
        let fitting = run.iter().take_while(|file| {
            rows += file.rows;
            bytes += file.plain_bytes;
            rows <= MERGED_ROWS && bytes <= MERGED_BYTES
        });
        let fitting: Vec<_> = fitting.cloned().collect();
        let is_filling = fitting.iter().map(|file| file.rows).sum::<u64>() >= SMALL_ROWS;
        let is_worth = is_settled || is_filling || fitting.len() >= MERGE_COUNT;
        if fitting.len() >= 2 && is_worth {
            return Some(fitting);
        }
    }
    None
}

/// All rows of a file.
pub fn read_file(file: &StoredFile) -> Result<Vec<Arc<Batch>>, StoreError> {
    guarded(&file.path, || read_row_groups(file))
}

fn read_row_groups(file: &StoredFile) -> Result<Vec<Arc<Batch>>, StoreError> {
    let failed = |error| parquet_error(&file.path, error);
    let meta = FileMeta::read(&file.path, PageIndexPolicy::Skip)?;
    let reader = meta.open().map_err(StoreError::io("open", &file.path))?;
    let columns = meta.arrow.parquet_schema().num_columns();
    let batches = (0..meta.times.len()).map(|row_group| {
        let leaves = (0..columns).collect();
        row_group::decode(&meta, &reader, row_group, leaves, None).map(Arc::new)
    });
    batches.collect::<Result<_, _>>().map_err(failed)
}

#[cfg(test)]
mod tests;
