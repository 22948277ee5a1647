//! CPU, memory, start and descriptors of this process, read from `/proc` at each scrape.
//!
//! **Invariant:** what cannot be read is left out.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::catalogue::{CPU_SECONDS, Entry, OPEN_FDS, RESIDENT_MEMORY, START_TIME};
use super::proc_self::{cpu_seconds, memory, open_fds, start_time};

/// See the module.
#[derive(Debug)]
pub struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let mut gauge = |entry: &Entry, value: f64| {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(
                entry.name,
                entry.help,
                None,
                gauge.metric_type(),
            )?)
        };
        for (entry, value) in [
            (&RESIDENT_MEMORY, memory("VmRSS:")),
            (&START_TIME, start_time()),
            (&OPEN_FDS, open_fds()),
        ] {
            if let Some(value) = value {
                gauge(entry, value)?;
            }
        }
        if let Some(seconds) = cpu_seconds() {
            let counter = ConstCounter::new(seconds);
            let name = CPU_SECONDS.name.trim_end_matches("_total");
            counter.encode(encoder.encode_descriptor(
                name,
                CPU_SECONDS.help,
                None,
                counter.metric_type(),
            )?)?;
        }
        Ok(())
    }
}
