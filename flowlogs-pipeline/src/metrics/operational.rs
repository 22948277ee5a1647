//! The operational metrics: one table of names, kinds and labels, and the cells made from it.
//!
//! Stages ask for their cells when they are built (`metrics.counter(&RECORDS_WRITTEN, &["loki"])`).
//! `contracts/metrics.json` is generated from the table.
//! **Invariant:** names are NetObserv's where it has one, and a definition used by two stages is shown once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::family::lock;
use super::instrument::{Counter, Gauge, Histogram, Instruments, Reading, Summary};
use super::registry::{Collect, Registry};
use super::text::{self, Kind};

/// One metric of the table.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    pub help: &'static str,
    /// Bucket bounds of a histogram.
    pub bounds: &'static [f64],
    /// True if `metricsSettings.prefix` is put before the name.
    pub is_prefixed: bool,
    /// True if each count is a record that was received and will never be seen downstream.
    pub is_loss: bool,
}

/// NetObserv's bounds for its two timings; `stage_duration_ms` is in milliseconds, `ingest_latency_ms` in seconds.
const TIMING_BOUNDS: &[f64] = &[0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0, 10_000.0];
/// Bounds of HTTP request durations, in seconds; also what the `prom` encoder uses without `buckets`.
pub const DEFAULT_BOUNDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

const fn define(
    kind: Kind,
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Definition {
    Definition {
        name,
        kind,
        labels,
        help,
        bounds: &[],
        is_prefixed: true,
        is_loss: false,
    }
}

const fn histogram(
    name: &'static str,
    labels: &'static [&'static str],
    bounds: &'static [f64],
    help: &'static str,
) -> Definition {
    Definition {
        bounds,
        ..define(Kind::Histogram, name, labels, help)
    }
}

const fn fixed(definition: Definition) -> Definition {
    Definition {
        is_prefixed: false,
        ..definition
    }
}

macro_rules! table {
    ($($id:ident = $definition:expr;)*) => {
        $(pub static $id: Definition = $definition;)*
        /// Every definition, in the order of the contract.
        pub static TABLE: &[&Definition] = &[$(&$id),*];
    };
}

use Kind::{Counter as C, Gauge as G, Summary as S};

table! {
    INGEST_FLOWS_PROCESSED = define(C, "ingest_flows_processed", &["stage"],
        "Records received by the ingester.");
    INGEST_LATENCY_MS = histogram("ingest_latency_ms", &["stage"], TIMING_BOUNDS,
        "Seconds from the end of a flow to its arrival; the name keeps NetObserv's wrong unit.");
    INGEST_BATCH_SIZE_BYTES = define(S, "ingest_batch_size_bytes", &["stage"],
        "Size of the messages received.");
    INGEST_ERRORS = define(C, "ingest_errors", &["stage", "type", "code"],
        "Messages or lines that could not be read, by cause.");
    STAGE_IN_QUEUE_SIZE = define(G, "stage_in_queue_size", &["stage"],
        "Batches waiting in front of the stage; calls under way of the gRPC ingester.");
    STAGE_OUT_QUEUE_SIZE = define(G, "stage_out_queue_size", &["stage"],
        "Batches waiting behind the stage.");
    STAGE_DURATION_MS = histogram("stage_duration_ms", &["stage"], TIMING_BOUNDS,
        "Milliseconds a stage spent on one batch.");
    RECORDS_WRITTEN = define(C, "records_written", &["stage"],
        "Records handed to the stage's client.");
    METRICS_PROCESSED = define(C, "metrics_processed", &["stage"],
        "Samples recorded by the metrics encoder.");
    METRICS_DROPPED = define(C, "metrics_dropped", &["stage"],
        "Samples refused because maxMetrics label sets are live.");
    ENCODE_PROM_ERRORS = define(C, "encode_prom_errors", &["error", "metric", "key"],
        "Samples not recorded because of their value, by cause.");
    ENCODE_PROM_METRICS_REPORTED = define(G, "encode_prom_metrics_reported", &["stage"],
        "Label sets live in the metrics encoder.");
    LOKI_ENCODED_BYTES = fixed(define(C, "netobserv_loki_encoded_bytes_total", &["host", "transport"],
        "Bytes of the compressed batches made for Loki."));
    LOKI_SENT_BYTES = fixed(define(C, "netobserv_loki_sent_bytes_total", &["host", "transport"],
        "Bytes of the batches Loki accepted."));
    LOKI_DROPPED_BYTES = fixed(define(C, "netobserv_loki_dropped_bytes_total", &["host", "transport"],
        "Bytes of the batches given up."));
    LOKI_SENT_ENTRIES = fixed(define(C, "netobserv_loki_sent_entries_total", &["host", "transport"],
        "Records Loki accepted."));
    LOKI_DROPPED_ENTRIES = fixed(define(C, "netobserv_loki_dropped_entries_total", &["host", "transport"],
        "Records of the batches given up."));
    LOKI_BATCH_RETRIES = fixed(define(C, "netobserv_loki_batch_retries_total", &["host", "transport"],
        "Failed attempts that may be repeated."));
    LOKI_REQUEST_DURATION = fixed(histogram("netobserv_loki_request_duration_seconds",
        &["status_code", "host", "transport"], DEFAULT_BOUNDS,
        "Seconds one push took, by answer; -1 is no answer."));
    LOKI_QUEUE_BYTES = fixed(define(G, "netobserv_pipeline_loki_queue_bytes", &["stage"],
        "Bytes of the batches that wait to be pushed."));
    RECORDS_DROPPED = Definition {
        is_loss: true,
        ..fixed(define(C, "netobserv_pipeline_records_dropped_total", &["stage", "cause"],
            "Records received and then lost, by stage and cause."))
    };
}

enum Cells {
    Counter(Arc<Instruments<Counter>>),
    Gauge(Arc<Instruments<Gauge>>),
    Reading(Arc<Instruments<Reading>>),
    Histogram(Arc<Instruments<Histogram>>),
    Summary(Arc<Instruments<Summary>>),
}

/// Makes and remembers the cells; cheap to clone.
#[derive(Clone)]
pub struct Operational(Arc<Shared>);

struct Shared {
    registry: Registry,
    prefix: String,
    cells: Mutex<HashMap<&'static str, Cells>>,
}

impl Operational {
    /// `prefix` is `metricsSettings.prefix`.
    pub fn new(registry: Registry, prefix: &str) -> Self {
        Self(Arc::new(Shared {
            registry,
            prefix: prefix.into(),
            cells: Mutex::default(),
        }))
    }

    /// Where the cells are shown.
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    pub fn counter(&self, definition: &'static Definition, labels: &[&str]) -> Counter {
        let instruments = self.instruments(definition, Cells::Counter, |cells| match cells {
            Cells::Counter(instruments) => Some(Arc::clone(instruments)),
            _ => None,
        });
        instruments.cell(&rendered(definition, labels), Counter::default)
    }

    pub fn gauge(&self, definition: &'static Definition, labels: &[&str]) -> Gauge {
        let instruments = self.instruments(definition, Cells::Gauge, |cells| match cells {
            Cells::Gauge(instruments) => Some(Arc::clone(instruments)),
            _ => None,
        });
        instruments.cell(&rendered(definition, labels), Gauge::default)
    }

    /// A gauge that is read when it is scraped.
    pub fn reading(&self, definition: &'static Definition, labels: &[&str], reading: Reading) {
        let instruments = self.instruments(definition, Cells::Reading, |cells| match cells {
            Cells::Reading(instruments) => Some(Arc::clone(instruments)),
            _ => None,
        });
        instruments.cell(&rendered(definition, labels), || reading);
    }

    pub fn histogram(&self, definition: &'static Definition, labels: &[&str]) -> Histogram {
        let instruments = self.instruments(definition, Cells::Histogram, |cells| match cells {
            Cells::Histogram(instruments) => Some(Arc::clone(instruments)),
            _ => None,
        });
        instruments.cell(&rendered(definition, labels), || {
            Histogram::new(definition.bounds)
        })
    }

    pub fn summary(&self, definition: &'static Definition, labels: &[&str]) -> Summary {
        let instruments = self.instruments(definition, Cells::Summary, |cells| match cells {
            Cells::Summary(instruments) => Some(Arc::clone(instruments)),
            _ => None,
        });
        instruments.cell(&rendered(definition, labels), Summary::default)
    }

    /// The counter of records lost in `stage` because of `cause`.
    pub fn records_dropped(&self, stage: &str, cause: &str) -> Counter {
        self.counter(&RECORDS_DROPPED, &[stage, cause])
    }

    fn instruments<T>(
        &self,
        definition: &'static Definition,
        wrap: impl FnOnce(Arc<Instruments<T>>) -> Cells,
        unwrap: impl FnOnce(&Cells) -> Option<Arc<Instruments<T>>>,
    ) -> Arc<Instruments<T>>
    where
        Instruments<T>: Collect + 'static,
    {
        let mut cells = lock(&self.0.cells);
        if let Some(known) = cells.get(definition.name) {
            return unwrap(known).unwrap_or_default();
        }
        let instruments: Arc<Instruments<T>> = Arc::default();
        let prefix = if definition.is_prefixed {
            self.0.prefix.as_str()
        } else {
            ""
        };
        let name = format!("{prefix}{}", definition.name);
        let collector = Arc::clone(&instruments) as Arc<dyn Collect>;
        if let Err(error) =
            self.0
                .registry
                .register(&name, definition.kind, definition.help, collector)
        {
            tracing::warn!(%error, "operational metric not shown");
        }
        cells.insert(definition.name, wrap(Arc::clone(&instruments)));
        instruments
    }
}

fn rendered(definition: &Definition, values: &[&str]) -> String {
    debug_assert_eq!(definition.labels.len(), values.len(), "{}", definition.name);
    let mut out = String::new();
    for (name, value) in definition.labels.iter().zip(values) {
        text::label(&mut out, name, value);
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn contract() -> String {
        let metrics: Vec<_> = TABLE
            .iter()
            .map(|definition| {
                let mut entry = serde_json::json!({
                    "name": definition.name,
                    "type": definition.kind.as_str(),
                    "labels": definition.labels,
                    "prefixed": definition.is_prefixed,
                    "help": definition.help,
                });
                if definition.is_loss {
                    entry["loss"] = true.into();
                }
                entry
            })
            .collect();
        let mut text = serde_json::to_string_pretty(&serde_json::json!({
            "description": "Operational metrics. A prefixed name comes after metricsSettings.prefix. A metric with \
                loss true counts records that were received and then lost; its label cause says why.",
            "metrics": metrics,
        }))
        .unwrap();
        text.push('\n');
        text
    }

    #[test]
    fn the_contract_is_what_the_table_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts/metrics.json");
        if std::env::var_os("UPDATE_CONTRACTS").is_some() {
            std::fs::write(path, contract()).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(path).unwrap_or_default(),
            contract(),
            "run the tests with UPDATE_CONTRACTS=1"
        );
    }

    #[test]
    fn a_loss_says_its_cause() {
        for definition in TABLE.iter().filter(|definition| definition.is_loss) {
            assert!(definition.labels.contains(&"cause"), "{}", definition.name);
        }
    }

    #[test]
    fn two_stages_share_a_metric_and_the_prefix_applies_to_some() {
        let metrics = Operational::new(Registry::default(), "netobserv_");
        metrics.counter(&RECORDS_WRITTEN, &["a"]).add(2);
        metrics.counter(&RECORDS_WRITTEN, &["b"]).add(3);
        metrics.records_dropped("b", "queue_full").inc();
        let shown = metrics.registry().to_text();
        let samples: Vec<_> = shown
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect();
        assert_eq!(
            samples,
            [
                "netobserv_pipeline_records_dropped_total{stage=\"b\",cause=\"queue_full\"} 1",
                "netobserv_records_written{stage=\"a\"} 2",
                "netobserv_records_written{stage=\"b\"} 3",
            ]
        );
    }
}
