//! Which names a metrics server shows, so that no metric doubles or hides another one.
//!
//! `config` makes one [`Names`] for the global server and asks it for each stage's metrics.
//! **Invariant:** two metrics that pass never write the same sample name; Prometheus would refuse the whole scrape.

use std::collections::HashSet;

use super::config::{MetricConfig, PromConfig};
use crate::config::{MetricsSettings, Problems};
use crate::metrics::operational::TABLE;
use crate::metrics::process;
use crate::metrics::text::{Kind, is_metric_name};

/// The names of samples that one server shows.
#[derive(Debug, Default)]
pub struct Names {
    taken: HashSet<String>,
    /// Whether a metric whose name is taken is left out instead of refused.
    is_lenient: bool,
}

impl Names {
    /// What the global server shows before any stage; reports a prefix with which nothing can be shown.
    pub fn of_global_server(settings: &MetricsSettings, problems: &mut Problems) -> Self {
        let prefix = &settings.prefix;
        if !prefix.is_empty() && !is_metric_name(prefix) {
            let next = "use letters, digits, '_' and ':', not starting with a digit";
            let message = format!("'{prefix}' cannot begin the name of a metric: {next}");
            problems.at("metricsSettings", |problems| {
                problems.error("prefix", message);
            });
        }
        let mut names = Self {
            taken: HashSet::new(),
            is_lenient: settings.no_panic,
        };
        for definition in TABLE {
            let prefix = if definition.is_prefixed { prefix } else { "" };
            let name = format!("{prefix}{}", definition.name);
            names.taken.extend(samples(&name, definition.kind));
        }
        if !settings.suppress_default_metrics {
            names.taken.extend(process::names().map(String::from));
        }
        names
    }

    /// Takes the names of a stage's metrics. One that is taken already is refused, or left out of the stage with a
    /// warning.
    pub fn claim(&mut self, stage: &mut PromConfig, problems: &mut Problems) {
        let mut own = Self {
            taken: HashSet::new(),
            is_lenient: self.is_lenient,
        };
        let names = if stage.own_address().is_some() {
            &mut own
        } else {
            self
        };
        let prefix = stage.prefix.clone();
        let mut seen = HashSet::new();
        let mut index = 0;
        stage.metrics.retain(|metric| {
            // A name that the stage has twice was reported by its own check.
            let is_first = seen.insert(metric.name.clone());
            let mut is_kept = true;
            problems.at("metrics", |problems| {
                problems.at_index(index, |problems| {
                    is_kept = !is_first || names.take(&prefix, metric, problems);
                });
            });
            index += 1;
            is_kept
        });
    }

    fn take(&mut self, prefix: &str, metric: &MetricConfig, problems: &mut Problems) -> bool {
        let name = format!("{prefix}{}", metric.name);
        let samples: Vec<String> = samples(&name, metric.kind.shown()).collect();
        let Some(taken) = samples.iter().find(|sample| self.taken.contains(*sample)) else {
            self.taken.extend(samples);
            return true;
        };
        let next = "give this metric another name or prefix";
        if self.is_lenient {
            problems.warn(
                "name",
                format!("'{taken}' is shown already: left out; {next}"),
            );
        } else {
            problems.error("name", format!("'{taken}' is shown already: {next}"));
        }
        false
    }
}

/// The names that a metric writes, its own among them.
fn samples(name: &str, kind: Kind) -> impl Iterator<Item = String> {
    let suffixes: &[&str] = match kind {
        Kind::Counter | Kind::Gauge => &[""],
        Kind::Summary => &["", "_sum", "_count"],
        Kind::Histogram => &["", "_sum", "_count", "_bucket"],
    };
    suffixes.iter().map(move |suffix| format!("{name}{suffix}"))
}
