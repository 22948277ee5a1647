//! The process metrics every Prometheus client shows, read from `/proc/self` at each scrape.
//!
//! Registered by `metrics`. The start time is how a reader of counters tells a restart.
//! **Invariant:** what cannot be read leaves its metric out and does nothing else.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::proc_self::{cpu_seconds, memory, open_fds, start_time};

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
        || memory("VmRSS:"),
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
