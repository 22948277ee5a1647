//! A metric whose series come from the data: created on first use, limited in number, removed when idle.
//!
//! The `prom` encoder updates families record by record; the scrape reads them in pieces. A series is known by its
//! rendered label text (`a="x",b="y"`), so that a scrape copies it and an update hashes it once.
//! **Invariant:** a slot keeps its place from creation to removal, so that a scrape in pieces shows no series twice;
//! the number of live series never exceeds the budget given.

use std::hash::BuildHasher;
use std::sync::Mutex;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::registry::Collect;
use super::text::{self, Kind};

/// Bytes after which a scrape pauses and lets the encoder have the family.
const SCRAPE_PIECE_BYTES: usize = 64 * 1024;

/// Memory is given back when less than this part of it is used.
const SHRINK_BELOW: usize = 4;

/// How many series may live; shared by all families of one stage.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    live: usize,
}

impl Budget {
    /// `limit` 0 means no limit.
    pub fn new(limit: usize) -> Self {
        let limit = if limit == 0 { usize::MAX } else { limit };
        Self { limit, live: 0 }
    }

    pub fn live(&self) -> usize {
        self.live
    }

    fn take(&mut self) -> bool {
        let has_room = self.live < self.limit;
        self.live += usize::from(has_room);
        has_room
    }

    fn give_back(&mut self, count: usize) {
        self.live -= count;
    }
}

/// The hash every family of a process uses, so that one hash of a label text serves several families.
#[derive(Clone, Debug, Default)]
pub struct LabelHasher(RandomState);

impl LabelHasher {
    pub fn hash(&self, labels: &str) -> u64 {
        self.0.hash_one(labels.as_bytes())
    }
}

#[derive(Debug)]
struct Series {
    labels: Box<str>,
    hash: u64,
    /// Counter or gauge value; the sum of a histogram.
    value: f64,
    touched_ms: u64,
}

/// The series of one counter, gauge or histogram.
#[derive(Debug)]
pub struct Family {
    kind: Kind,
    bounds: Box<[f64]>,
    index: HashTable<u32>,
    slots: Vec<Option<Series>>,
    free: Vec<u32>,
    /// Per slot `bounds.len() + 1` counts, not cumulated; empty unless this is a histogram.
    counts: Vec<u64>,
}

impl Family {
    /// `bounds` are the finite upper bounds of a histogram's buckets, ascending; empty for other kinds.
    pub fn new(kind: Kind, bounds: &[f64]) -> Self {
        Self {
            kind,
            bounds: bounds.into(),
            index: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            counts: Vec::new(),
        }
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn len(&self) -> usize {
        self.index.len()
    }

    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Adds to, sets or observes the series `labels`; false when it is new and the budget is spent.
    pub fn update(
        &mut self,
        hash: u64,
        labels: &str,
        value: f64,
        now_ms: u64,
        budget: &mut Budget,
    ) -> bool {
        let found = self
            .index
            .find(hash, |&at| {
                self.slots[at as usize]
                    .as_ref()
                    .is_some_and(|series| series.hash == hash && *series.labels == *labels)
            })
            .copied();
        let at = match found {
            Some(at) => at,
            None if budget.take() => self.insert(hash, labels),
            None => return false,
        };
        let Some(series) = &mut self.slots[at as usize] else {
            unreachable!("an indexed slot is filled");
        };
        series.touched_ms = now_ms;
        match self.kind {
            Kind::Gauge => series.value = value,
            _ => series.value += value,
        }
        if self.kind == Kind::Histogram {
            let bucket = self.bounds.partition_point(|&bound| bound < value);
            self.counts[at as usize * (self.bounds.len() + 1) + bucket] += 1;
        }
        true
    }

    fn insert(&mut self, hash: u64, labels: &str) -> u32 {
        let series = Some(Series {
            labels: labels.into(),
            hash,
            value: 0.0,
            touched_ms: 0,
        });
        let at = if let Some(at) = self.free.pop() {
            self.slots[at as usize] = series;
            at
        } else {
            self.slots.push(series);
            if self.kind == Kind::Histogram {
                let stride = self.bounds.len() + 1;
                self.counts.resize(self.slots.len() * stride, 0);
            }
            (self.slots.len() - 1) as u32
        };
        let slots = &self.slots;
        self.index.insert_unique(hash, at, |&other| {
            slots[other as usize]
                .as_ref()
                .map_or(0, |series| series.hash)
        });
        at
    }

    /// Removes the series not updated for `idle_ms`; returns how many.
    pub fn sweep(&mut self, now_ms: u64, idle_ms: u64, budget: &mut Budget) -> usize {
        let (slots, free, counts) = (&mut self.slots, &mut self.free, &mut self.counts);
        let stride = self.bounds.len() + 1;
        let is_histogram = self.kind == Kind::Histogram;
        let before = self.index.len();
        self.index.retain(|&mut at| {
            let slot = &mut slots[at as usize];
            let is_idle = slot
                .as_ref()
                .is_none_or(|series| now_ms.saturating_sub(series.touched_ms) >= idle_ms);
            if is_idle {
                *slot = None;
                free.push(at);
                if is_histogram {
                    counts[at as usize * stride..][..stride].fill(0);
                }
            }
            !is_idle
        });
        let removed = before - self.index.len();
        budget.give_back(removed);
        self.give_memory_back();
        removed
    }

    /// Cuts the free slots at the end off, and fills the first free ones first, so that a burst of series does not hold
    /// its memory for ever.
    fn give_memory_back(&mut self) {
        let length = self
            .slots
            .iter()
            .rposition(Option::is_some)
            .map_or(0, |at| at + 1);
        self.slots.truncate(length);
        self.free.retain(|&at| (at as usize) < length);
        self.free.sort_unstable_by(|one, other| other.cmp(one));
        if self.kind == Kind::Histogram {
            self.counts.truncate(length * (self.bounds.len() + 1));
        }
        if length < self.slots.capacity() / SHRINK_BELOW {
            self.slots.shrink_to_fit();
            self.free.shrink_to_fit();
            self.counts.shrink_to_fit();
        }
        if self.index.len() < self.index.capacity() / SHRINK_BELOW {
            let slots = &self.slots;
            self.index
                .shrink_to_fit(|&at| slots[at as usize].as_ref().map_or(0, |series| series.hash));
        }
    }

    /// Appends series from slot `cursor` on; returns where to go on, or `None` when all are written.
    fn render(&self, name: &str, cursor: usize, out: &mut Vec<u8>) -> Option<usize> {
        let stop_at = out.len() + SCRAPE_PIECE_BYTES;
        for (at, slot) in self.slots.iter().enumerate().skip(cursor) {
            if out.len() >= stop_at {
                return Some(at);
            }
            let Some(series) = slot else { continue };
            if self.kind == Kind::Histogram {
                let stride = self.bounds.len() + 1;
                let counts = &self.counts[at * stride..][..stride];
                histogram(
                    out,
                    name,
                    &series.labels,
                    &self.bounds,
                    counts.iter().copied(),
                    series.value,
                );
            } else {
                text::sample(out, name, "", &series.labels, series.value);
            }
        }
        None
    }
}

/// Appends one histogram: cumulated buckets, sum and count.
pub fn histogram(
    out: &mut Vec<u8>,
    name: &str,
    labels: &str,
    bounds: &[f64],
    counts: impl Iterator<Item = u64>,
    sum: f64,
) {
    let mut total = 0;
    for (count, bound) in counts.zip(bounds.iter().copied().chain([f64::INFINITY])) {
        total += count;
        text::sample_with(out, name, "_bucket", labels, ("le", bound), total as f64);
    }
    text::sample(out, name, "_sum", labels, sum);
    text::sample(out, name, "_count", labels, total as f64);
}

impl Collect for Mutex<Family> {
    fn collect(&self, name: &str, cursor: usize, out: &mut Vec<u8>) -> Option<usize> {
        lock(self).render(name, cursor, out)
    }
}

/// Locks although a holder panicked: a family has no state between two updates that could be half done.
pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
