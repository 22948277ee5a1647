//! What the store holds at this moment: segments in memory (the head) and sealed files.
//!
//! The ingest thread adds rows, the file thread swaps a segment for its files, queries take snapshots.
//!
//! **Invariant:** a row is in exactly one place of every snapshot; the lock is held for copies of at most one chunk,
//! and pushes ask for nothing that needs it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::batch::Batch;
use super::clock::Clock;
use super::dedup::Digest;
use super::files::StoredFile;
use super::lines::Lines;
use super::query::TimeRange;
use super::rows::Rows;

/// Rows of a chunk: small enough to copy for a snapshot, large enough to work on.
const CHUNK_ROWS: usize = 16_384;
/// Bytes at which a chunk is closed earlier, far below what 32-bit offsets reach.
const CHUNK_BYTES: usize = 32 << 20;
/// Dictionaries of a segment's chunks begin anew above this, because each chunk holds a copy of what they have.
const DICTIONARY_BYTES: usize = 4 << 20;

/// Rows in memory with the bounds of their times.
#[derive(Debug, Clone)]
pub struct Chunk {
    pub batch: Arc<Batch>,
    pub min_ms: i64,
    pub max_ms: i64,
}

/// Digests of pushes and when they were accepted.
pub type Pushes = Vec<(Digest, i64)>;

/// One segment of the write-ahead log, in memory.
#[derive(Debug)]
pub struct Segment {
    pub number: u64,
    pub rows: usize,
    pub memory: usize,
    /// First and last time of its rows.
    bounds: Option<(i64, i64)>,
    /// The pushes it consists of.
    pub pushes: Pushes,
    closed: Vec<Chunk>,
    open: Rows,
    /// First and last time of the open rows.
    open_bounds: Option<(i64, i64)>,
    /// Copy of `open` as long as it is up to date.
    snapshot: Option<Chunk>,
}

impl Segment {
    pub fn new(number: u64) -> Self {
        Self {
            number,
            rows: 0,
            memory: 0,
            bounds: None,
            pushes: Vec::new(),
            closed: Vec::new(),
            open: Rows::default(),
            open_bounds: None,
            snapshot: None,
        }
    }

    /// Adds the rows of a push.
    pub fn append(&mut self, lines: &Lines, digest: Digest, time_ms: i64) {
        let Some((min_ms, max_ms)) = lines.time_bounds() else {
            self.pushes.push((digest, time_ms));
            return;
        };
        let widened = |bounds: Option<(i64, i64)>| {
            let (first, last) = bounds.unwrap_or((min_ms, max_ms));
            Some((first.min(min_ms), last.max(max_ms)))
        };
        let mut before = self.open.memory();
        if self.open.len > 0
            && (self.open.len + lines.len > CHUNK_ROWS || before + lines.memory() > CHUNK_BYTES)
        {
            let full = self.take_snapshot();
            self.closed.extend(full);
            if self.open.dictionary_bytes() > DICTIONARY_BYTES {
                self.open = Rows::default();
            } else {
                self.open.clear();
            }
            self.open_bounds = None;
            before = 0;
        }
        self.snapshot = None;
        self.open.append(lines);
        self.bounds = widened(self.bounds);
        self.open_bounds = widened(self.open_bounds);
        self.rows += lines.len;
        // Last, because a push that is not whole here must not be taken for a stored one.
        self.pushes.push((digest, time_ms));
        self.memory += self.open.memory().saturating_sub(before);
    }

    fn take_snapshot(&mut self) -> Option<Chunk> {
        if self.snapshot.is_none()
            && let Some((min_ms, max_ms)) = self.open_bounds
        {
            self.snapshot = Some(Chunk {
                batch: Arc::new(self.open.batch()),
                min_ms,
                max_ms,
            });
        }
        self.snapshot.clone()
    }

    /// All rows as they are now.
    pub fn chunks(&mut self) -> Vec<Chunk> {
        let open = self.take_snapshot();
        self.closed.iter().cloned().chain(open).collect()
    }
}

/// Everything a query may see.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    pub files: Vec<Arc<StoredFile>>,
    pub chunks: Vec<Chunk>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Ascending by number; the last is being written.
    segments: Vec<Segment>,
    files: Vec<Arc<StoredFile>>,
    /// Beginnings of the hours of which a file was set aside, Unix milliseconds.
    damaged: BTreeSet<i64>,
}

/// What each push asks for. It has a lock of its own, so that no push waits while the rows of another are added.
#[derive(Debug, Default)]
struct Glance {
    /// Rows and memory of the head.
    head: (usize, usize),
    clock: Option<Clock>,
}

/// Shared by all threads of the store.
#[derive(Debug, Default)]
pub struct State {
    inner: Mutex<Inner>,
    glance: Mutex<Glance>,
}

/// Sizes at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    pub files: usize,
    pub file_rows: u64,
    pub file_bytes: u64,
    pub head_rows: usize,
    pub head_memory: usize,
    pub segments: usize,
    /// The machine's clock is too far ahead to delete rows by it.
    pub is_clock_doubted: bool,
    pub oldest_ms: Option<i64>,
    pub newest_ms: Option<i64>,
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change below is complete when a panic could happen, so a poisoned lock is still sound.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn glance(&self) -> MutexGuard<'_, Glance> {
        self.glance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how large the head is now.
    fn note_head(&self, inner: &Inner) {
        let segments = inner.segments.iter();
        self.glance().head = segments.fold((0, 0), |(rows, memory), segment| {
            (rows + segment.rows, memory + segment.memory)
        });
    }

    /// What the store takes for now.
    pub fn set_clock(&self, clock: Clock) {
        self.glance().clock = Some(clock);
    }

    /// Unix milliseconds that the store takes for now; the machine's before the store is open.
    pub fn now_ms(&self, wall_ms: i64) -> i64 {
        self.glance().clock.map_or(wall_ms, |clock| clock.now_ms)
    }

    /// Adds rows to the segment being written; answers its rows and memory.
    pub fn append(&self, lines: &Lines, digest: Digest, time_ms: i64) -> (usize, usize) {
        let mut inner = self.lock();
        let Some(segment) = inner.segments.last_mut() else {
            return (0, 0);
        };
        segment.append(lines, digest, time_ms);
        let size = (segment.rows, segment.memory);
        self.note_head(&inner);
        size
    }

    pub fn push_segment(&self, segment: Segment) {
        let mut inner = self.lock();
        inner.segments.push(segment);
        self.note_head(&inner);
    }

    /// Rows and pushes of a segment that is no longer written.
    pub fn segment(&self, number: u64) -> Option<(Vec<Chunk>, Pushes)> {
        let mut inner = self.lock();
        let segment = inner
            .segments
            .iter_mut()
            .find(|segment| segment.number == number)?;
        Some((segment.chunks(), segment.pushes.clone()))
    }

    /// Numbers of the segments that are no longer written.
    pub fn sealable(&self) -> Vec<u64> {
        let inner = self.lock();
        inner
            .segments
            .split_last()
            .map(|(_, rest)| rest.iter().map(|s| s.number).collect())
            .unwrap_or_default()
    }

    /// Replaces a segment by its files.
    pub fn seal(&self, number: u64, files: impl IntoIterator<Item = StoredFile>) {
        let mut inner = self.lock();
        inner.segments.retain(|segment| segment.number != number);
        self.note_head(&inner);
        inner.files.extend(files.into_iter().map(Arc::new));
    }

    /// Replaces files by others. The replaced ones are deleted when the last query lets go of them.
    pub fn replace(&self, gone: &[Arc<StoredFile>], new: impl IntoIterator<Item = StoredFile>) {
        let mut inner = self.lock();
        inner
            .files
            .retain(|file| !gone.iter().any(|gone| Arc::ptr_eq(gone, file)));
        inner.files.extend(new.into_iter().map(Arc::new));
        drop(inner);
        for file in gone {
            file.delete_when_unused();
        }
    }

    /// Forgets a damaged file without deleting it.
    pub fn forget(&self, gone: &StoredFile) {
        let mut inner = self.lock();
        inner.files.retain(|file| file.path != gone.path);
        inner.damaged.insert(gone.hour_ms);
    }

    /// Takes in the hours of which files were set aside before.
    pub fn add_damaged(&self, hours_ms: impl IntoIterator<Item = i64>) {
        self.lock().damaged.extend(hours_ms);
    }

    /// The hours of which files were set aside, by their beginnings.
    pub fn damaged(&self) -> Vec<i64> {
        self.lock().damaged.iter().copied().collect()
    }

    pub fn files(&self) -> Vec<Arc<StoredFile>> {
        self.lock().files.clone()
    }

    /// Everything that may hold rows of the range.
    pub fn snapshot(&self, range: TimeRange) -> Snapshot {
        let mut inner = self.lock();
        let mut chunks: Vec<Chunk> = inner
            .segments
            .iter_mut()
            .filter(|segment| {
                segment
                    .bounds
                    .is_some_and(|(min, max)| range.touches(min, max))
            })
            .flat_map(Segment::chunks)
            .collect();
        let mut files = inner.files.clone();
        drop(inner);
        chunks.retain(|chunk| range.touches(chunk.min_ms, chunk.max_ms));
        files.retain(|file| range.touches(file.min_ms, file.max_ms));
        Snapshot { files, chunks }
    }

    /// Rows and memory of the head.
    pub fn head(&self) -> (usize, usize) {
        self.glance().head
    }

    pub fn sizes(&self) -> Sizes {
        let inner = self.lock();
        let mut sizes = Sizes {
            files: inner.files.len(),
            segments: inner.segments.len(),
            is_clock_doubted: self.glance().clock.is_some_and(|clock| clock.is_doubting()),
            ..Sizes::default()
        };
        let mut widen = |min_ms: i64, max_ms: i64| {
            sizes.oldest_ms = Some(sizes.oldest_ms.map_or(min_ms, |oldest| oldest.min(min_ms)));
            sizes.newest_ms = Some(sizes.newest_ms.map_or(max_ms, |newest| newest.max(max_ms)));
        };
        for file in &inner.files {
            widen(file.min_ms, file.max_ms);
        }
        for (min_ms, max_ms) in inner.segments.iter().filter_map(|segment| segment.bounds) {
            widen(min_ms, max_ms);
        }
        sizes.file_rows = inner.files.iter().map(|file| file.rows).sum();
        sizes.file_bytes = inner.files.iter().map(|file| file.bytes).sum();
        (sizes.head_rows, sizes.head_memory) = self.head();
        sizes
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::store::fields::COLUMNS;

    #[test]
    fn what_a_push_asks_for_is_answered_while_rows_are_added() {
        let state = State::default();
        state.push_segment(Segment::new(1));
        let mut lines = Lines::default();
        lines.set_int(COLUMNS.time, 7);
        lines.end();
        let size = state.append(&lines, Digest([0; 16]), 7);
        assert_eq!(size.0, 1, "one row");
        thread::scope(|scope| {
            let adding = state.lock();
            let (sender, answers) = sync_channel(1);
            let state = &state;
            scope.spawn(move || sender.send((state.head(), state.now_ms(5))));
            let answer = answers.recv_timeout(Duration::from_secs(10));
            drop(adding);
            assert_eq!(answer, Ok((size, 5)));
        });
        state.seal(1, []);
        assert_eq!(state.head(), (0, 0), "the rows are in files");
    }
}
