//! The file thread: seals closed log segments, merges small files, applies retention.
//!
//! **Invariant:** each step is complete or has no effect after a crash; a step that fails is counted, tried again
//! later, and stops no other.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::PageIndexPolicy;

use super::batch::Batch;
use super::config::StoreConfig;
use super::dedup::WINDOW_MS;
use super::error::StoreError;
use super::files::{FileMeta, HOUR_MS, StoredFile, guarded, parquet_error};
use super::metrics::Metrics;
use super::push::Encoding;
use super::seal::{ROW_GROUP_ROWS, write_hours};
use super::space::{now_ms, unix_ms};
use super::state::State;
use super::wal::{Frame, numbers, seen_path, segment_path, write_whole};

/// How often merging and retention are looked at.
const TICK: Duration = Duration::from_secs(5);
/// A file of at least this many rows is not worth merging.
const MERGED_ROWS: u64 = 4 * ROW_GROUP_ROWS as u64;
/// Bytes before compression that are merged at a time: bounds the memory of a merge, far below what 32-bit offsets
/// reach.
const MERGED_BYTES: u64 = 512 << 20;
/// Files of an hour that is still growing are merged in tens, so that a row is rewritten about twice.
const MERGE_COUNT: usize = 10;
/// After this an hour is taken to be over, and what it has is merged.
const SETTLED_MS: i64 = 10 * 60 * 1000;

/// What the file thread owns.
#[derive(Debug)]
pub struct Maintainer {
    pub config: StoreConfig,
    pub flows: PathBuf,
    pub log_folder: PathBuf,
    pub state: Arc<State>,
    pub metrics: Arc<Metrics>,
}

impl Maintainer {
    /// Works until the ingest thread is gone and all it left is sealed.
    pub fn run(self, sealable: &Receiver<()>) {
        let mut has_failed = false;
        loop {
            // After a failure the disk may be full: wait for the tick instead of the next segment.
            let woken = if has_failed {
                std::thread::park_timeout(Duration::from_secs(1));
                sealable.try_iter().count();
                sealable.recv_timeout(Duration::ZERO)
            } else {
                sealable.recv_timeout(TICK)
            };
            has_failed = !self.report("seal", &self.seal_all());
            if woken == Err(RecvTimeoutError::Disconnected) {
                return;
            }
            self.report("apply retention to", &self.expire(now_ms()));
            while !has_failed && self.state.sealable().is_empty() && self.report_merge() {}
        }
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

    /// Turns each closed segment into files.
    pub fn seal_all(&self) -> Result<(), StoreError> {
        for number in self.state.sealable() {
            self.seal(number)?;
        }
        Ok(())
    }

    fn seal(&self, number: u64) -> Result<(), StoreError> {
        let Some((chunks, pushes)) = self.state.segment(number) else {
            return Ok(());
        };
        let batches: Vec<Arc<Batch>> = chunks.into_iter().map(|chunk| chunk.batch).collect();
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
        fs::remove_file(&log).map_err(StoreError::io("delete the sealed log segment", &log))
    }

    /// Deletes files beyond retention and digests beyond their ten minutes.
    fn expire(&self, now_ms: i64) -> Result<(), StoreError> {
        let mut files = self.state.files();
        files.sort_unstable_by_key(|file| (file.max_ms, file.segments));
        let oldest_ms =
            now_ms - i64::try_from(self.config.retention.age.0.as_millis()).unwrap_or(i64::MAX);
        let mut bytes: u64 = files.iter().map(|file| file.bytes).sum();
        let mut gone = Vec::new();
        for file in files {
            if file.max_ms >= oldest_ms && bytes <= self.config.retention.bytes {
                break;
            }
            bytes -= file.bytes;
            self.metrics.expired_files.inc();
            self.metrics.expired_rows.inc_by(file.rows);
            gone.push(file);
        }
        self.state.replace(&gone, None);
        for number in numbers(&self.log_folder, "seen")? {
            let path = seen_path(&self.log_folder, number);
            // Written after the newest of its pushes was accepted, so nothing is forgotten early.
            let written = fs::metadata(&path).and_then(|found| found.modified());
            if unix_ms(written.map_err(StoreError::io("look at", &path))?) < now_ms - WINDOW_MS {
                fs::remove_file(&path).map_err(StoreError::io("delete", &path))?;
            }
        }
        Ok(())
    }

    /// Merges the small files of one hour; false if there was nothing to do.
    fn merge_one(&self, now_ms: i64) -> Result<bool, StoreError> {
        let Some(sources) = choose(self.state.files(), now_ms) else {
            return Ok(false);
        };
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
    let is_together = |a: &Arc<StoredFile>, b: &Arc<StoredFile>| {
        a.hour_ms == b.hour_ms && a.rows < MERGED_ROWS && b.rows < MERGED_ROWS
    };
    for run in files.chunk_by(is_together) {
        let is_settled = run[0].hour_ms + HOUR_MS + SETTLED_MS < now_ms;
        let (mut rows, mut bytes) = (0, 0);
        let fitting = run.iter().take_while(|file| {
            rows += file.rows;
            bytes += file.plain_bytes;
            rows <= 2 * MERGED_ROWS && bytes <= MERGED_BYTES
        });
        let count = fitting.count();
        if count >= if is_settled { 2 } else { MERGE_COUNT } {
            return Some(run[..count].to_vec());
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
    let mut batches = Vec::new();
    for row_group in 0..meta.times.len() {
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(reader.clone(), meta.arrow.clone());
        let rows = builder
            .with_row_groups(vec![row_group])
            .with_batch_size(meta.arrow.metadata().row_group(row_group).num_rows() as usize)
            .build()
            .map_err(failed)?;
        for batch in rows {
            let batch = Batch::from_record_batch(&batch.map_err(|error| failed(error.into()))?)
                .map_err(|error| StoreError::damaged(&file.path, error))?;
            batches.push(Arc::new(batch));
        }
    }
    Ok(batches)
}
