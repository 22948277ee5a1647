//! Operational metrics, under the names and labels of NetObserv's agent.
//!
//! Made once by `app`; every part counts through its methods; `health` renders them.
//!
//! **Invariant:** knows no other part but the configuration and the plain types of interfaces. The number of series is
//! bounded: labels are words of the source, and those that come from interfaces are swept.

pub mod catalogue;
mod labels;
mod proc_self;
mod process;

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use crate::config::MetricsLevel;
use crate::interfaces::model::Interface;
use catalogue::Entry;
use labels::{
    Build, ErrorLabels, EventLabels, Exporter, ExporterReason, Feature, Name, SourceReason,
};
pub use labels::{InterfaceEvent, Severity};

/// Of the map read histogram.
const READ_BUCKETS_SECONDS: [f64; 8] = [0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0, 10_000.0];
/// With `METRICS_LEVEL=trace!` a series goes this long after its event, or when there are too many.
const EVENT_SERIES_AGE_MAX: Duration = Duration::from_mins(5);
const EVENT_SERIES_MAX: usize = 10_000;

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    level: MetricsLevel,
    evictions: Family<SourceReason, Counter>,
    evicted_flows: Family<SourceReason, Counter>,
    map_read: Histogram,
    dropped_flows: Family<SourceReason, Counter>,
    buffer_size: Family<Name, Gauge>,
    interface_buffer_size: Family<Name, Gauge>,
    exported_batches: Family<Exporter, Counter>,
    sampling_rate: Gauge,
    errors: Family<ErrorLabels, Counter>,
    interface_events: Family<EventLabels, Counter>,
    event_series: Mutex<VecDeque<(Instant, EventLabels)>>,
    feature_enabled: Family<Feature, Gauge>,
    queued_batches: Gauge,
    send_retries: Family<ExporterReason, Counter>,
}

impl Metrics {
    pub fn new(prefix: &str, level: MetricsLevel) -> Self {
        let mut registry = Registry::default();
        let mut metrics = Self {
            level,
            evictions: register(
                &mut registry,
                prefix,
                &catalogue::EVICTIONS,
                Family::default(),
            ),
            evicted_flows: register(
                &mut registry,
                prefix,
                &catalogue::EVICTED_FLOWS,
                Family::default(),
            ),
            map_read: register(
                &mut registry,
                prefix,
                &catalogue::MAP_READ,
                Histogram::new(READ_BUCKETS_SECONDS),
            ),
            dropped_flows: register(
                &mut registry,
                prefix,
                &catalogue::DROPPED_FLOWS,
                Family::default(),
            ),
            buffer_size: register(
                &mut registry,
                prefix,
                &catalogue::BUFFER_SIZE,
                Family::default(),
            ),
            interface_buffer_size: register(
                &mut registry,
                prefix,
                &catalogue::INTERFACE_BUFFER_SIZE,
                Family::default(),
            ),
            exported_batches: register(
                &mut registry,
                prefix,
                &catalogue::EXPORTED_BATCHES,
                Family::default(),
            ),
            sampling_rate: register(
                &mut registry,
                prefix,
                &catalogue::SAMPLING_RATE,
                Gauge::default(),
            ),
            errors: register(&mut registry, prefix, &catalogue::ERRORS, Family::default()),
            interface_events: register(
                &mut registry,
                prefix,
                &catalogue::INTERFACE_EVENTS,
                Family::default(),
            ),
            event_series: Mutex::default(),
            feature_enabled: register(
                &mut registry,
                prefix,
                &catalogue::FEATURE_ENABLED,
                Family::default(),
            ),
            queued_batches: register(
                &mut registry,
                prefix,
                &catalogue::QUEUED_BATCHES,
                Gauge::default(),
            ),
            send_retries: register(
                &mut registry,
                prefix,
                &catalogue::SEND_RETRIES,
                Family::default(),
            ),
            registry,
        };
        let build = Family::<Build, Gauge>::default();
        build
            .get_or_create(&Build {
                version: crate::VERSION,
                commit: crate::COMMIT,
            })
            .set(1);
        register(&mut metrics.registry, prefix, &catalogue::BUILD_INFO, build);
        metrics
            .registry
            .register_collector(Box::new(process::Process));
        metrics
    }

    /// One eviction of `source` gave this many flows.
    pub fn evicted(&self, source: &'static str, flows: u64) {
        let labels = SourceReason { source, reason: "" };
        self.evictions.get_or_create(&labels).inc();
        self.evicted_flows.get_or_create(&labels).inc_by(flows);
    }

    /// Reading the kernel maps took this long.
    pub fn map_read_seconds(&self, seconds: f64) {
        self.map_read.observe(seconds);
    }

    /// Flows were lost.
    pub fn dropped(&self, source: &'static str, reason: &'static str, flows: u64) {
        self.dropped_flows
            .get_or_create(&SourceReason { source, reason })
            .inc_by(flows);
    }

    pub fn buffer_size(&self, name: &'static str, entries: usize) {
        self.buffer_size
            .get_or_create(&Name { name })
            .set(entries as i64);
    }

    pub fn interface_buffer_size(&self, name: &'static str, entries: usize) {
        self.interface_buffer_size
            .get_or_create(&Name { name })
            .set(entries as i64);
    }

    /// A message was delivered.
    pub fn exported(&self, exporter: &'static str, flows: u64) {
        self.exported_batches
            .get_or_create(&Exporter { exporter })
            .inc();
        self.evicted(exporter, flows);
    }

    pub fn send_retry(&self, exporter: &'static str, reason: &'static str) {
        self.send_retries
            .get_or_create(&ExporterReason { exporter, reason })
            .inc();
    }

    pub fn queued_batches(&self, batches: usize) {
        self.queued_batches.set(batches as i64);
    }

    pub fn sampling(&self, rate: u32) {
        self.sampling_rate.set(i64::from(rate));
    }

    pub fn error(&self, component: &'static str, error: &'static str, severity: Severity) {
        self.errors(component, error, severity, 1);
    }

    /// The same error so many times.
    pub fn errors(
        &self,
        component: &'static str,
        error: &'static str,
        severity: Severity,
        times: u64,
    ) {
        let severity = severity.as_str();
        self.errors
            .get_or_create(&ErrorLabels {
                component,
                error,
                severity,
            })
            .inc_by(times);
    }

    pub fn feature(&self, feature: &'static str, is_enabled: bool) {
        self.feature_enabled
            .get_or_create(&Feature { feature })
            .set(i64::from(is_enabled));
    }

    /// Something happened to an interface, at this attempt. `None`: to a namespace as a whole.
    pub fn interface_event(
        &self,
        event: InterfaceEvent,
        netns: &str,
        interface: Option<&Interface>,
        attempt: u32,
    ) {
        let mut labels = EventLabels {
            r#type: event.as_str(),
            ..EventLabels::default()
        };
        if self.level != MetricsLevel::Info {
            labels.retries = attempt.to_string();
        }
        if self.level == MetricsLevel::Trace {
            netns.clone_into(&mut labels.netns);
            if let Some(interface) = interface {
                labels.ifname = interface.name.to_string();
                labels.ifindex = interface.index.to_string();
                labels.mac = mac_text(interface.mac);
            }
        }
        self.interface_events.get_or_create(&labels).inc();
        if self.level == MetricsLevel::Trace {
            self.event_series
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push_back((Instant::now(), labels));
            self.sweep(EVENT_SERIES_AGE_MAX, EVENT_SERIES_MAX);
        }
    }

    /// Removes series of interface events that are old, and the oldest of too many.
    fn sweep(&self, age_max: Duration, series_max: usize) {
        let mut series = self
            .event_series
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        while series
            .front()
            .is_some_and(|(at, _)| at.elapsed() >= age_max || series.len() > series_max)
        {
            if let Some((_, labels)) = series.pop_front() {
                self.interface_events.remove(&labels);
            }
        }
    }

    /// The exposition, in OpenMetrics text.
    pub fn render(&self) -> String {
        self.sweep(EVENT_SERIES_AGE_MAX, EVENT_SERIES_MAX);
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// Registers `metric` under its catalogued name, whose `_total` the library adds itself.
fn register<M: Metric + Clone>(
    registry: &mut Registry,
    prefix: &str,
    entry: &Entry,
    metric: M,
) -> M {
    let name = entry
        .name
        .strip_suffix("_total")
        .filter(|_| entry.kind == "counter")
        .unwrap_or(entry.name);
    registry.register(format!("{prefix}{name}"), entry.help, metric.clone());
    metric
}

fn mac_text(mac: [u8; 6]) -> String {
    let mut text = String::with_capacity(17);
    for (position, byte) in mac.iter().enumerate() {
        let separator = if position == 0 { "" } else { ":" };
        let _ = write!(text, "{separator}{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests;
