//! Counters of the store and what it shows of its sizes.
//!
//! **Invariant:** everything refused, dropped or set aside is counted here by cause.

use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::push::LineFault;
use super::state::State;
use super::watch::Watch;

/// Causes for which a push is refused.
const PUSH_CAUSES: [&str; 15] = [
    "media_type",
    "unfinished",
    "slow",
    "too_large",
    "snappy",
    "protobuf",
    "json",
    "too_many_lines",
    "labels",
    "no_line",
    "disk_full",
    "log_failed",
    "busy",
    "closed",
    "internal",
];
/// Causes for which work on files fails.
const FILE_CAUSES: [&str; 4] = ["io", "disk_full", "damaged", "no_hour"];

/// Cause of what was refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Cause {
    pub cause: &'static str,
}

/// Kind of a query and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct QueryLabels {
    pub query: &'static str,
    pub outcome: &'static str,
}

/// All counters.
#[derive(Debug)]
pub struct Metrics {
    pub pushes: Counter,
    pub pushes_duplicate: Counter,
    pub pushes_refused: Family<Cause, Counter>,
    pub push_bytes: Counter,
    pub rows: Counter,
    pub lines_refused: Family<Cause, Counter>,
    /// Those of pushes that were refused as a whole: their writer was told, and counts them itself.
    pub refused_push_lines: Family<Cause, Counter>,
    pub mistyped_fields: Counter,
    pub commit_seconds: Histogram,
    pub damaged_files: Counter,
    pub damaged_frames: Counter,
    pub forgotten_pushes: Counter,
    pub seals: Counter,
    pub merges: Counter,
    pub file_errors: Family<Cause, Counter>,
    pub expired_files: Counter,
    pub expired_rows: Counter,
    pub queries: Family<QueryLabels, Counter>,
    pub query_seconds: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        let seconds = || {
            Histogram::new([
                0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
            ])
        };
        let metrics = Self {
            pushes: Counter::default(),
            pushes_duplicate: Counter::default(),
            pushes_refused: Family::default(),
            push_bytes: Counter::default(),
            rows: Counter::default(),
            lines_refused: Family::default(),
            refused_push_lines: Family::default(),
            mistyped_fields: Counter::default(),
            commit_seconds: seconds(),
            damaged_files: Counter::default(),
            damaged_frames: Counter::default(),
            forgotten_pushes: Counter::default(),
            seals: Counter::default(),
            merges: Counter::default(),
            file_errors: Family::default(),
            expired_files: Counter::default(),
            expired_rows: Counter::default(),
            queries: Family::default(),
            query_seconds: seconds(),
        };
        // A counter that is there from the start shows that nothing happened.
        for (family, causes) in [
            (&metrics.pushes_refused, &PUSH_CAUSES[..]),
            (
                &metrics.lines_refused,
                &LineFault::ALL.map(LineFault::label)[..],
            ),
            (
                &metrics.refused_push_lines,
                &LineFault::ALL.map(LineFault::label)[..],
            ),
            (&metrics.file_errors, &FILE_CAUSES[..]),
        ] {
            for cause in causes {
                drop(family.get_or_create(&Cause { cause }));
            }
        }
        metrics
    }
}

impl Metrics {
    /// Counts something refused.
    pub fn count(family: &Family<Cause, Counter>, cause: &'static str, number: u64) {
        if number > 0 {
            family.get_or_create(&Cause { cause }).inc_by(number);
        }
    }

    /// Counts the lines that an accepted push lost, by cause in the order of [`LineFault::ALL`].
    pub fn count_lines(&self, faults: &[u64; 4]) {
        Self::count_faults(&self.lines_refused, faults);
    }

    /// Counts the lines for which a push was refused, by cause in the order of [`LineFault::ALL`].
    pub fn count_refused_lines(&self, faults: &[u64; 4]) {
        Self::count_faults(&self.refused_push_lines, faults);
    }

    fn count_faults(family: &Family<Cause, Counter>, faults: &[u64; 4]) {
        for fault in LineFault::ALL {
            Self::count(family, fault.label(), faults[fault as usize]);
        }
    }

    /// Makes all of it visible.
    pub fn register(&self, registry: &mut Registry, state: Arc<State>, watch: &Watch) {
        let registry = registry.sub_registry_with_prefix("netobserv_store");
        registry.register("pushes", "Pushes accepted and synced", self.pushes.clone());
        registry.register(
            "pushes_duplicate",
            "Pushes that had been stored already",
            self.pushes_duplicate.clone(),
        );
        registry.register(
            "pushes_refused",
            "Pushes refused, by cause",
            self.pushes_refused.clone(),
        );
        registry.register(
            "push_bytes",
            "Bytes of accepted pushes as sent",
            self.push_bytes.clone(),
        );
        registry.register("rows", "Rows stored", self.rows.clone());
        registry.register(
            "lines_refused",
            "Lines left out of accepted pushes, by cause",
            self.lines_refused.clone(),
        );
        registry.register(
            "refused_push_lines",
            "Lines of refused pushes that could not be stored, by cause; their writers were told",
            self.refused_push_lines.clone(),
        );
        registry.register(
            "mistyped_fields",
            "Values kept as extra fields because their column holds another type",
            self.mistyped_fields.clone(),
        );
        registry.register(
            "thread_panics",
            "Panics of the store's threads, which went on",
            watch.panics.clone(),
        );
        registry.register(
            "commit_seconds",
            "Time to write and sync a group of pushes",
            self.commit_seconds.clone(),
        );
        registry.register(
            "damaged_files",
            "Files set aside because they are damaged",
            self.damaged_files.clone(),
        );
        registry.register(
            "damaged_frames",
            "Pushes lost in a damaged log segment",
            self.damaged_frames.clone(),
        );
        registry.register(
            "forgotten_pushes",
            "Digests of pushes forgotten before their ten minutes were over",
            self.forgotten_pushes.clone(),
        );
        registry.register(
            "seals",
            "Log segments sealed into files",
            self.seals.clone(),
        );
        registry.register("merges", "Merges of small files", self.merges.clone());
        registry.register(
            "file_errors",
            "Background work on files that failed, by cause",
            self.file_errors.clone(),
        );
        registry.register(
            "expired_files",
            "Files deleted by retention",
            self.expired_files.clone(),
        );
        registry.register(
            "expired_rows",
            "Rows deleted by retention",
            self.expired_rows.clone(),
        );
        registry.register(
            "queries",
            "Queries by kind and outcome",
            self.queries.clone(),
        );
        registry.register(
            "query_seconds",
            "Time of a query",
            self.query_seconds.clone(),
        );
        registry.register_collector(Box::new(SizeCollector(state)));
    }
}

/// Sizes, read when asked for.
#[derive(Debug)]
struct SizeCollector(Arc<State>);

impl Collector for SizeCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let sizes = self.0.sizes();
        for (name, help, value) in [
            ("files", "Sealed files", sizes.files as u64),
            ("file_rows", "Rows in sealed files", sizes.file_rows),
            ("file_bytes", "Bytes of sealed files", sizes.file_bytes),
            (
                "head_rows",
                "Rows in memory, not sealed yet",
                sizes.head_rows as u64,
            ),
            (
                "head_memory_bytes",
                "Memory of those rows",
                sizes.head_memory as u64,
            ),
            (
                "log_segments",
                "Log segments that are not sealed yet",
                sizes.segments as u64,
            ),
            (
                "clock_doubted",
                "Whether the machine's clock is too far ahead to delete rows by it",
                u64::from(sizes.is_clock_doubted),
            ),
        ] {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}
