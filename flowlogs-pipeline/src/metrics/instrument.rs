//! Metrics of our own: few series, known when a stage is built, written from any thread without a lock.
//!
//! `operational.rs` makes them from its table and hands the cells to the stages.
//! **Invariant:** a cell is never removed, so its holder may write to it for ever; no observation waits for a scrape,
//! except a summary's, which keeps a window.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::family::{histogram, lock};
use super::registry::Collect;
use super::text;

/// Observations a summary keeps for its quantiles.
const SUMMARY_WINDOW: usize = 1024;
/// Age after which an observation no longer counts for the quantiles.
const SUMMARY_AGE: Duration = Duration::from_mins(10);
const SUMMARY_QUANTILES: [f64; 2] = [0.5, 0.95];

/// Writes one series of its metric.
pub trait Instrument: Send + Sync {
    fn render(&self, name: &str, labels: &str, out: &mut Vec<u8>);
}

/// The series of one operational metric.
pub struct Instruments<T>(RwLock<Vec<(String, T)>>);

impl<T> Default for Instruments<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T: Clone> Instruments<T> {
    /// The cell of these rendered labels, made by `make` if it is new.
    pub fn cell(&self, labels: &str, make: impl FnOnce() -> T) -> T {
        let mut cells = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, cell)) = cells.iter().find(|(known, _)| known == labels) {
            return cell.clone();
        }
        let cell = make();
        cells.push((labels.into(), cell.clone()));
        cell
    }
}

impl<T: Instrument> Collect for Instruments<T> {
    fn collect(&self, name: &str, _: usize, out: &mut Vec<u8>) -> Option<usize> {
        for (labels, cell) in self.0.read().unwrap_or_else(PoisonError::into_inner).iter() {
            cell.render(name, labels, out);
        }
        None
    }
}

/// A count that only grows.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    pub fn inc(&self) {
        self.add(1);
    }

    pub fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Instrument for Counter {
    fn render(&self, name: &str, labels: &str, out: &mut Vec<u8>) {
        text::sample(out, name, "", labels, self.get() as f64);
    }
}

/// A whole number that goes up and down.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<AtomicI64>);

impl Gauge {
    pub fn set(&self, value: i64) {
        self.0.store(value, Relaxed);
    }

    pub fn add(&self, amount: i64) {
        self.0.fetch_add(amount, Relaxed);
    }

    pub fn get(&self) -> i64 {
        self.0.load(Relaxed)
    }
}

impl Instrument for Gauge {
    fn render(&self, name: &str, labels: &str, out: &mut Vec<u8>) {
        text::sample(out, name, "", labels, self.get() as f64);
    }
}

/// A gauge that is asked for its value when it is scraped, such as the length of a queue.
#[derive(Clone)]
pub struct Reading(Arc<dyn Fn() -> Option<f64> + Send + Sync>);

impl Reading {
    /// `read` answers `None` when there is nothing to show.
    pub fn new(read: impl Fn() -> Option<f64> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }
}

impl Instrument for Reading {
    fn render(&self, name: &str, labels: &str, out: &mut Vec<u8>) {
        if let Some(value) = (self.0)() {
            text::sample(out, name, "", labels, value);
        }
    }
}

/// How often values fell under each bound.
#[derive(Clone, Debug)]
pub struct Histogram(Arc<HistogramCells>);

#[derive(Debug)]
struct HistogramCells {
    bounds: &'static [f64],
    counts: Box<[AtomicU64]>,
    sum_bits: AtomicU64,
}

impl Histogram {
    pub fn new(bounds: &'static [f64]) -> Self {
        Self(Arc::new(HistogramCells {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::default()).collect(),
            sum_bits: AtomicU64::new(0.0_f64.to_bits()),
        }))
    }

    pub fn observe(&self, value: f64) {
        self.observe_all([value]);
    }

    /// Many observations for the price of few: equal buckets in a row and the sum are written once.
    pub fn observe_all(&self, values: impl IntoIterator<Item = f64>) {
        let cells = &*self.0;
        let (mut last, mut run, mut sum) = (0, 0, 0.0);
        for value in values {
            let bucket = cells.bounds.partition_point(|&bound| bound < value);
            if bucket != last {
                if run > 0 {
                    cells.counts[last].fetch_add(run, Relaxed);
                }
                (last, run) = (bucket, 0);
            }
            run += 1;
            sum += value;
        }
        if run == 0 {
            return;
        }
        cells.counts[last].fetch_add(run, Relaxed);
        let add = |bits: u64| Some((f64::from_bits(bits) + sum).to_bits());
        // The closure never refuses, so there is no failure to look at.
        let _ = cells.sum_bits.fetch_update(Relaxed, Relaxed, add);
    }
}

impl Instrument for Histogram {
    fn render(&self, name: &str, labels: &str, out: &mut Vec<u8>) {
        let cells = &*self.0;
        let counts = cells.counts.iter().map(|count| count.load(Relaxed));
        let sum = f64::from_bits(cells.sum_bits.load(Relaxed));
        histogram(out, name, labels, cells.bounds, counts, sum);
    }
}

/// Median and 95th percentile of the last observations, with sum and count of all.
#[derive(Clone, Debug, Default)]
pub struct Summary(Arc<Mutex<SummaryWindow>>);

#[derive(Debug, Default)]
struct SummaryWindow {
    recent: VecDeque<(Instant, f64)>,
    sum: f64,
    count: u64,
}

impl Summary {
    pub fn observe(&self, value: f64) {
        let mut window = lock(&self.0);
        if window.recent.len() == SUMMARY_WINDOW {
            window.recent.pop_front();
        }
        window.recent.push_back((Instant::now(), value));
        window.sum += value;
        window.count += 1;
    }
}

impl Instrument for Summary {
    fn render(&self, name: &str, labels: &str, out: &mut Vec<u8>) {
        let window = lock(&self.0);
        let mut values: Vec<f64> = window
            .recent
            .iter()
            .filter(|(at, _)| at.elapsed() < SUMMARY_AGE)
            .map(|&(_, value)| value)
            .collect();
        values.sort_by(f64::total_cmp);
        for quantile in SUMMARY_QUANTILES {
            let rank = (quantile * values.len() as f64).ceil() as usize;
            let value = values
                .get(rank.saturating_sub(1))
                .copied()
                .unwrap_or(f64::NAN);
            text::sample_with(out, name, "", labels, ("quantile", quantile), value);
        }
        text::sample(out, name, "_sum", labels, window.sum);
        text::sample(out, name, "_count", labels, window.count as f64);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn rendered(instrument: &dyn Instrument) -> String {
        let mut out = Vec::new();
        instrument.render("m", "s=\"x\"", &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_summary_shows_quantiles_of_the_window_and_totals_of_all() {
        let summary = Summary::default();
        assert!(rendered(&summary).starts_with("m{s=\"x\",quantile=\"0.5\"} NaN\n"));
        for value in 1..=100 {
            summary.observe(f64::from(value));
        }
        assert_eq!(
            rendered(&summary),
            "m{s=\"x\",quantile=\"0.5\"} 50\nm{s=\"x\",quantile=\"0.95\"} 95\n\
             m_sum{s=\"x\"} 5050\nm_count{s=\"x\"} 100\n"
        );
    }

    #[test]
    fn a_histogram_adds_up_over_threads() {
        let histogram = Histogram::new(&[1.0]);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1000).for_each(|_| histogram.observe(0.5)));
            }
        });
        assert!(rendered(&histogram).ends_with("m_sum{s=\"x\"} 2000\nm_count{s=\"x\"} 4000\n"));
    }

    #[test]
    fn the_same_labels_give_the_same_cell() {
        let counters = Instruments::<Counter>::default();
        counters.cell("s=\"x\"", Counter::default).inc();
        counters.cell("s=\"x\"", Counter::default).inc();
        let mut out = Vec::new();
        counters.collect("m", 0, &mut out);
        assert_eq!(out, b"m{s=\"x\"} 2\n");
    }
}
