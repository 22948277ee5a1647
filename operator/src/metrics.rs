//! Operational metrics, under the names of NetObserv's operator.

mod proc_self;
mod process;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Seconds; a run takes milliseconds, and seconds when it creates everything.
const BUCKETS: [f64; 9] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    controller: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ControllerLabels {
    controller: &'static str,
}

/// There is one reconciler.
const CONTROLLER: &str = "flowcollector";

/// Ends of a run.
const RESULTS: [&str; 3] = ["success", "requeue_after", "error"];

/// All metrics.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    runs: Family<ResultLabels, Counter>,
    errors: Family<ControllerLabels, Counter>,
    seconds: Family<ControllerLabels, Histogram, fn() -> Histogram>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All at zero, and there from the start: a reader sees the first error as one more.
    pub fn new() -> Self {
        let runs: Family<ResultLabels, Counter> = Family::default();
        let errors: Family<ControllerLabels, Counter> = Family::default();
        let seconds: Family<_, _, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(BUCKETS));
        let controller = CONTROLLER;
        for result in RESULTS {
            drop(runs.get_or_create(&ResultLabels { controller, result }));
        }
        drop(errors.get_or_create(&ControllerLabels { controller }));
        drop(seconds.get_or_create(&ControllerLabels { controller }));
        let mut registry = Registry::default();
        registry.register_collector(Box::new(process::Process));
        registry.register(
            "controller_runtime_reconcile",
            "Runs by their end",
            runs.clone(),
        );
        registry.register(
            "controller_runtime_reconcile_errors",
            "Runs that failed",
            errors.clone(),
        );
        registry.register(
            "controller_runtime_reconcile_time_seconds",
            "Duration of a run",
            seconds.clone(),
        );
        Self {
            registry: Arc::new(registry),
            runs,
            errors,
            seconds,
        }
    }

    /// Counts a run. `result` is one of `success`, `requeue_after` and `error`.
    pub fn run(&self, result: &'static str, took: Duration) {
        let controller = CONTROLLER;
        self.runs
            .get_or_create(&ResultLabels { controller, result })
            .inc();
        let labels = ControllerLabels { controller };
        if result == "error" {
            self.errors.get_or_create(&labels).inc();
        }
        self.seconds
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    /// `/metrics`.
    pub fn router(self) -> Router {
        Router::new().route("/metrics", get(text)).with_state(self)
    }
}

async fn text(State(metrics): State<Metrics>) -> Response {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = encode(&mut text, &metrics.registry);
    ([(header::CONTENT_TYPE, TEXT)], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_series_are_there_before_the_first_run() {
        let metrics = Metrics::new();
        let text = || {
            let mut text = String::new();
            // Writing to a string cannot fail.
            let _ = encode(&mut text, &metrics.registry);
            text
        };
        let (runs, errors) = (
            "controller_runtime_reconcile_total{controller=\"flowcollector\",result=",
            "controller_runtime_reconcile_errors_total{controller=\"flowcollector\"}",
        );
        let before = text();
        for series in [
            format!("{runs}\"success\"}} 0\n"),
            format!("{runs}\"requeue_after\"}} 0\n"),
            format!("{runs}\"error\"}} 0\n"),
            format!("{errors} 0\n"),
            "process_start_time_seconds ".to_owned(),
        ] {
            assert!(before.contains(&series), "{series}: {before}");
        }
        metrics.run("error", Duration::from_millis(20));
        let after = text();
        for series in [format!("{runs}\"error\"}} 1\n"), format!("{errors} 1\n")] {
            assert!(after.contains(&series), "{series}: {after}");
        }
    }
}
