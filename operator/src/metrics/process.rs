//! The process metrics every Prometheus client shows, read from `/proc/self` at each scrape.
//!
//! Registered by `metrics`. The start time is how a reader of counters tells a restart.
//! **Invariant:** a file that cannot be read leaves its metric out and does nothing else.

use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Clock ticks per second in `/proc`: fixed by the kernel's interface to programs on all architectures we build for.
const TICKS_PER_SECOND: f64 = 100.0;

type Row = (&'static str, &'static str, fn() -> Option<f64>);

const GAUGES: [Row; 3] = [
    (
        "process_open_fds",
        "Number of open file descriptors",
        open_fds,
    ),
    (
        "process_resident_memory_bytes",
        "Resident memory size in bytes",
        resident_memory,
    ),
    (
        "process_start_time_seconds",
        "Start time of the process since the epoch in seconds",
        start_time,
    ),
];

/// Reads them when asked.
#[derive(Debug)]
pub struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        if let Some(seconds) = cpu_seconds() {
            let metric = ConstCounter::new(seconds);
            let help = "User and system CPU time spent in seconds";
            let kind = metric.metric_type();
            metric.encode(encoder.encode_descriptor("process_cpu_seconds", help, None, kind)?)?;
        }
        for (name, help, read) in GAUGES {
            if let Some(value) = read() {
                let metric = ConstGauge::new(value);
                let kind = metric.metric_type();
                metric.encode(encoder.encode_descriptor(name, help, None, kind)?)?;
            }
        }
        Ok(())
    }
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

fn resident_memory() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<f64>().ok()? * 1024.0)
}

fn open_fds() -> Option<f64> {
    Some(fs::read_dir("/proc/self/fd").ok()?.count() as f64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn every_row_has_a_plausible_value() {
        for (name, _, read) in GAUGES {
            assert!(read().unwrap() > 0.0, "{name}");
        }
        assert!(cpu_seconds().unwrap() >= 0.0);
        let now_s = jiff::Timestamp::now().as_millisecond() as f64 / 1000.0;
        assert!((now_s - start_time().unwrap()).abs() < 86_400.0);
    }
}
