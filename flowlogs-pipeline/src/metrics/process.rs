//! The process metrics every Prometheus client shows, read from `/proc/self` at each scrape.
//!
//! Registered by `app` unless `metricsSettings.suppressDefaultMetrics` is set.
//! **Invariant:** a file that cannot be read leaves its metric out and does nothing else.

use std::fs;
use std::sync::Arc;

use super::instrument::{Instruments, Reading};
use super::registry::{RegisterError, Registry};
use super::text::Kind;

/// Clock ticks per second in `/proc`: fixed by the kernel's interface to programs on all architectures we build for.
const TICKS_PER_SECOND: f64 = 100.0;

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

/// Field `number` of `/proc/self/stat`, counted as in proc(5) from 1.
fn stat_field(number: usize) -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The command in field 2 may hold spaces; what follows its closing bracket starts with field 3.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(number - 3)?.parse().ok()
}

fn cpu_seconds() -> Option<f64> {
    Some((stat_field(14)? + stat_field(15)?) / TICKS_PER_SECOND)
}

fn start_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let boot = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    Some(boot.trim().parse::<f64>().ok()? + stat_field(22)? / TICKS_PER_SECOND)
}

fn memory(key: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    Some(line.trim().trim_end_matches(" kB").parse::<f64>().ok()? * 1024.0)
}

fn open_fds() -> Option<f64> {
    Some(fs::read_dir("/proc/self/fd").ok()?.count() as f64)
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
