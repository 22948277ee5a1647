//! Operational metrics of the API, beside those the store registers itself.
//!
//! **Invariant:** names and labels of the first two are NetObserv's; every label value is one of a
//! closed set.

mod proc_self;
mod process;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// The default buckets of Prometheus' own clients, in seconds.
const BUCKETS: [f64; 11] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    handler: &'static str,
    code: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabels {
    code: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ComponentLabels {
    component: String,
}

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// Handle on the metrics; clones share them.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    calls: Histograms<CallLabels>,
    source_calls: Histograms<CodeLabels>,
    refused: Family<ReasonLabels, Counter>,
    loss_reads_failed: Family<ComponentLabels, Counter>,
}

impl Metrics {
    /// Registers everything; `more` adds what another part brings.
    pub fn new(more: impl FnOnce(&mut Registry)) -> Self {
        let mut registry = Registry::default();
        let new_histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let calls = Histograms::new_with_constructor(new_histogram);
        let source_calls = Histograms::new_with_constructor(new_histogram);
        let refused = Family::default();
        let loss_reads_failed = Family::default();
        registry.register(
            "netobserv_http_api_calls_duration",
            "Seconds that calls of the API took",
            calls.clone(),
        );
        registry.register(
            "netobserv_loki_calls_duration",
            "Seconds that queries of the data source took",
            source_calls.clone(),
        );
        registry.register(
            "netobserv_console_requests_refused",
            "Requests refused before they reached a handler",
            refused.clone(),
        );
        registry.register(
            "netobserv_console_loss_reads_failed",
            "Reads of a component's loss counters that failed; each leaves an unaccounted interval",
            loss_reads_failed.clone(),
        );
        registry.register_collector(Box::new(process::Process));
        more(&mut registry);
        Self {
            registry: Arc::new(registry),
            calls,
            source_calls,
            refused,
            loss_reads_failed,
        }
    }

    /// A call of the API ended.
    pub fn call(&self, handler: &'static str, code: u16, took: Duration) {
        self.calls
            .get_or_create(&CallLabels { handler, code })
            .observe(took.as_secs_f64());
    }

    /// A query of the source ended.
    pub fn source_call(&self, code: u16, took: Duration) {
        self.source_calls
            .get_or_create(&CodeLabels { code })
            .observe(took.as_secs_f64());
    }

    /// A request was refused.
    pub fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// A target's loss counters could not be read.
    pub fn loss_read_failed(&self, component: &str) {
        self.loss_reads_failed
            .get_or_create(&ComponentLabels {
                component: component.to_owned(),
            })
            .inc();
    }

    /// All metrics in the text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
