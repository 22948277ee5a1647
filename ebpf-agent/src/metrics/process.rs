//! CPU, memory, start and descriptors of this process, read from `/proc` at each scrape.
//!
//! **Invariant:** what cannot be read is left out.

use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::catalogue::{CPU_SECONDS, Entry, OPEN_FDS, RESIDENT_MEMORY, START_TIME};

/// See the module.
#[derive(Debug)]
pub struct Process;

/// Positions in `/proc/self/stat` counted from the state, which follows the name in parentheses (proc(5)).
const USER_TICKS: usize = 11;
const SYSTEM_TICKS: usize = 12;
const START_TICKS: usize = 19;
const RESIDENT_PAGES: usize = 21;

struct Reading {
    cpu_seconds: f64,
    resident_bytes: f64,
    start_seconds: Option<f64>,
}

fn read() -> Option<Reading> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<f64>().ok();
    let ticks_per_second = constant(nix::unistd::SysconfVar::CLK_TCK)?;
    let uptime_ticks = number(START_TICKS)?;
    Some(Reading {
        cpu_seconds: (number(USER_TICKS)? + number(SYSTEM_TICKS)?) / ticks_per_second,
        resident_bytes: number(RESIDENT_PAGES)? * constant(nix::unistd::SysconfVar::PAGE_SIZE)?,
        start_seconds: boot_seconds().map(|boot| boot + uptime_ticks / ticks_per_second),
    })
}

fn constant(name: nix::unistd::SysconfVar) -> Option<f64> {
    nix::unistd::sysconf(name).ok()?.map(|value| value as f64)
}

fn boot_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()
}

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
        let reading = read();
        if let Some(reading) = &reading {
            gauge(&RESIDENT_MEMORY, reading.resident_bytes)?;
            if let Some(start) = reading.start_seconds {
                gauge(&START_TIME, start)?;
            }
        }
        if let Ok(entries) = fs::read_dir("/proc/self/fd") {
            gauge(&OPEN_FDS, entries.count() as f64)?;
        }
        if let Some(reading) = reading {
            let counter = ConstCounter::new(reading.cpu_seconds);
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
