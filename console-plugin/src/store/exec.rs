//! The query executor: cuts a query into work units, runs them on a few threads, merges what they found.
//!
//! A unit is a row group of a file or a chunk of the head. Each thread takes the next unit, decodes only the columns it
//! needs, and works into tables of its own.
//!
//! **Invariant:** all queries together hold at most `store.limits.queryMemory` bytes of groups and rows, each at least its
//! share of them (by `concurrentQueries`), which heavy ones beside it do not take away; a query ends at
//! its deadline or when it is cancelled, at the latest after the unit at hand or some thousand samples of it, and never changes what is stored. A damaged file is set
//! aside and the query goes on without it.

mod aggregate;
mod filter;
mod group;
mod prune;
mod records;
mod scan;
mod top;
mod values;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use parquet::file::metadata::PageIndexPolicy;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::config::StoreConfig;
use super::error::StoreError;
use super::files::{FileMeta, StoredFile};
use super::maintain::set_aside;
use super::metrics::Metrics;
use super::query::{Control, Filter, QueryStats, TimeRange};
use super::state::{Chunk, State};

use self::filter::Condition;

/// Runs queries over the state of a store.
#[derive(Debug)]
pub struct Executor {
    root: PathBuf,
    state: Arc<State>,
    metrics: Arc<Metrics>,
    threads: usize,
    memory_limit: usize,
    /// Bytes that each query may hold whatever the others do.
    memory_share: usize,
    records_limit: usize,
    metas: Cache<u64, Arc<FileMeta>, MetaWeight>,
    /// Bytes that the running queries hold.
    memory: AtomicUsize,
}

#[derive(Debug, Clone)]
struct MetaWeight;

impl Weighter<u64, Arc<FileMeta>> for MetaWeight {
    fn weight(&self, _: &u64, meta: &Arc<FileMeta>) -> u64 {
        meta.arrow.metadata().memory_size() as u64
    }
}

/// Rows that are worked on as one.
#[derive(Debug)]
enum Unit {
    Chunk(Chunk),
    RowGroup {
        file: Arc<StoredFile>,
        meta: Arc<FileMeta>,
        index: usize,
    },
}

impl Unit {
    fn bounds(&self) -> (i64, i64) {
        match self {
            Self::Chunk(chunk) => (chunk.min_ms, chunk.max_ms),
            Self::RowGroup { meta, index, .. } => meta.times[*index],
        }
    }

    fn rows(&self) -> usize {
        match self {
            Self::Chunk(chunk) => chunk.batch.rows,
            Self::RowGroup { meta, index, .. } => {
                meta.arrow.metadata().row_group(*index).num_rows() as usize
            }
        }
    }
}

/// One running query.
struct Task<'a> {
    executor: &'a Executor,
    control: &'a Control,
    started: Instant,
    condition: Condition,
    range: TimeRange,
    /// Its part of what the executor counts.
    memory: AtomicUsize,
    has_failed: AtomicBool,
    scanned: AtomicU64,
    matched: AtomicU64,
}

impl Drop for Task<'_> {
    fn drop(&mut self) {
        let held = self.memory.load(Ordering::Relaxed);
        self.executor.memory.fetch_sub(held, Ordering::Relaxed);
    }
}

impl Executor {
    pub fn new(config: &StoreConfig, state: Arc<State>, metrics: Arc<Metrics>) -> Self {
        Self {
            root: config.path.clone(),
            state,
            metrics,
            threads: config.limits.query_threads,
            memory_limit: config.limits.query_memory,
            memory_share: config.limits.query_memory / config.limits.concurrent_queries.max(1),
            records_limit: config.limits.records,
            metas: Cache::with_weighter(1024, config.limits.metadata_cache_bytes, MetaWeight),
            memory: AtomicUsize::new(0),
        }
    }

    fn task<'a>(
        &'a self,
        filter: &Filter,
        range: TimeRange,
        control: &'a Control,
    ) -> Result<Task<'a>, StoreError> {
        Ok(Task {
            executor: self,
            control,
            started: Instant::now(),
            condition: Condition::compile(filter)?,
            range,
            memory: AtomicUsize::new(0),
            has_failed: AtomicBool::new(false),
            scanned: AtomicU64::new(0),
            matched: AtomicU64::new(0),
        })
    }

    /// The metadata of a file; nothing if the file is damaged or was set aside meanwhile.
    fn meta(&self, file: &Arc<StoredFile>) -> Result<Option<Arc<FileMeta>>, StoreError> {
        let read = || FileMeta::read(&file.path, PageIndexPolicy::Optional).map(Arc::new);
        self.survive(file, self.metas.get_or_insert_with(&file.id, read))
    }

    /// Sets a damaged file aside instead of failing.
    fn survive<T>(
        &self,
        file: &StoredFile,
        outcome: Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(StoreError::Damaged { reason, .. }) => {
                set_aside(&self.root, &self.state, &self.metrics, file, &reason);
                Ok(None)
            }
            Err(StoreError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                set_aside(&self.root, &self.state, &self.metrics, file, "it is gone");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

fn check(control: &Control) -> Result<(), StoreError> {
    if control.cancel.is_cancelled() {
        return Err(StoreError::Cancelled);
    }
    if Instant::now() >= control.deadline {
        return Err(StoreError::Deadline);
    }
    Ok(())
}

impl Task<'_> {
    /// Everything that may hold matching rows.
    fn units(&self) -> Result<(Vec<Unit>, QueryStats), StoreError> {
        let snapshot = self.executor.state.snapshot(self.range);
        let mut stats = QueryStats {
            files: snapshot.files.len() as u64,
            ..QueryStats::default()
        };
        let mut units: Vec<Unit> = snapshot.chunks.into_iter().map(Unit::Chunk).collect();
        for file in snapshot.files {
            check(self.control)?;
            let Some(meta) = self.executor.meta(&file)? else {
                continue;
            };
            for index in 0..meta.times.len() {
                stats.row_groups += 1;
                let (min_ms, max_ms) = meta.times[index];
                if self.range.touches(min_ms, max_ms)
                    && prune::may_match(&self.condition, &meta, index)
                {
                    units.push(Unit::RowGroup {
                        file: Arc::clone(&file),
                        meta: Arc::clone(&meta),
                        index,
                    });
                } else {
                    stats.row_groups_pruned += 1;
                }
            }
        }
        Ok((units, stats))
    }

    /// Runs `work` for all units, each thread with a state of its own; answers these states.
    fn run<U: Sync, T: Send>(
        &self,
        units: &[U],
        make: impl Fn() -> T + Sync,
        work: impl Fn(&mut T, usize, &U) -> Result<(), StoreError> + Sync,
    ) -> Result<Vec<T>, StoreError> {
        let next = AtomicUsize::new(0);
        let one_thread = || {
            let mut state = make();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(unit) = units
                    .get(at)
                    .filter(|_| !self.has_failed.load(Ordering::Relaxed))
                else {
                    return Ok(state);
                };
                if let Err(error) = check(self.control).and_then(|()| work(&mut state, at, unit)) {
                    self.has_failed.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        };
        let threads = self.executor.threads.min(units.len()).max(1);
        thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(one_thread)).collect();
            let mut results = vec![one_thread()];
            for other in others {
                results.push(
                    other
                        .join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                );
            }
            results.into_iter().collect()
        })
    }

    /// Accounts memory that stays until the query ends.
    fn charge(&self, bytes: usize) -> Result<(), StoreError> {
        let limit = self.executor.memory_limit;
        let own = self.memory.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let all = self.executor.memory.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if all > limit && own > self.executor.memory_share {
            return Err(StoreError::QueryMemory { limit });
        }
        Ok(())
    }

    fn finish(&self, mut stats: QueryStats) -> QueryStats {
        stats.rows_scanned = self.scanned.load(Ordering::Relaxed);
        stats.rows_matched = self.matched.load(Ordering::Relaxed);
        stats.elapsed_us = self.started.elapsed().as_micros() as u64;
        stats
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn queries_share_one_budget_and_give_back_what_they_took() {
        let mut config = StoreConfig::at("unused");
        config.limits.query_memory = 100;
        let executor = Executor::new(&config, Arc::default(), Arc::default());
        let control = Control::within(Duration::from_mins(1));
        let range = TimeRange {
            start_ms: 0,
            end_ms: 1,
        };
        let task = || {
            executor
                .task(&Filter::TRUE, range, &control)
                .expect("a task")
        };
        let (first, second) = (task(), task());
        assert!(first.charge(60).is_ok() && second.charge(40).is_ok());
        let error = second.charge(1).expect_err("no more is left");
        assert_eq!(error.kind(), "query_memory");
        let small = task();
        assert!(small.charge(12).is_ok(), "its share is its own");
        assert!(small.charge(1).is_err());
        drop((second, small));
        assert!(first.charge(40).is_ok());
        drop(first);
        assert!(task().charge(100).is_ok());
    }
}
