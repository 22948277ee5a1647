//! The process metrics every Prometheus client shows, read from `/proc/self` at each scrape.
//!
//! Registered by `app` unless `metricsSettings.suppressDefaultMetrics` is set.
//! **Invariant:** a file that cannot be read leaves its metric out and does nothing else.

use std::fs;
use std::sync::Arc;

use super::instrument::{Instruments, Reading};
use super::proc_self::{cpu_seconds, memory, open_fds, start_time};
use super::registry::{RegisterError, Registry};
use super::text::Kind;

type Row = (&'static str, Kind, &'static str, fn() -> Option<f64>);

const ROWS: [Row; 6] = [
    (
        "process_cpu_seconds_total",
        Kind::Counter,
        "User and system CPU time spent in seconds.",
        cpu_seconds,
    ),
    (
        "process_max_fds",
        Kind::Gauge,
        "Maximum number of open file descriptors.",
        max_fds,
    ),
    (
        "process_open_fds",
        Kind::Gauge,
        "Number of open file descriptors.",
        open_fds,
    ),
    (
        "process_resident_memory_bytes",
        Kind::Gauge,
        "Resident memory size in bytes.",
        || memory("VmRSS:"),
    ),
    (
        "process_start_time_seconds",
        Kind::Gauge,
        "Start time of the process since the epoch in seconds.",
        start_time,
    ),
    (
        "process_virtual_memory_bytes",
        Kind::Gauge,
        "Virtual memory size in bytes.",
        || memory("VmSize:"),
    ),
];

/// Registers the process metrics.
pub fn register(registry: &Registry) -> Result<(), RegisterError> {
    for (name, kind, help, read) in ROWS {
        let instruments = Instruments::default();
        instruments.cell("", || Reading::new(read));
        registry.register(name, kind, help, Arc::new(instruments))?;
    }
    Ok(())
}

/// The names of the process metrics.
pub fn names() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|(name, ..)| *name)
}

fn max_fds() -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn every_row_has_a_plausible_value() {
        for (name, _, _, read) in ROWS {
            let value = read().unwrap_or_else(|| panic!("{name} has no value"));
            assert!(value >= 0.0, "{name} {value}");
        }
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        assert!((now.as_secs_f64() - start_time().unwrap()).abs() < 86_400.0);
    }
}
