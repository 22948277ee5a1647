//! Settings of `encode.prom`.
//!
//! **Invariant:** what passes `validate` can be built, but for an address that is taken or files that are missing.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;

use super::labels::label_name;
use crate::config::{GoDuration, Problems};
use crate::metrics::text::{Kind, is_metric_name};

const DEFAULT_EXPIRY: Duration = Duration::from_mins(2);
const DEFAULT_PORT: u16 = 9090;

/// `encode.prom`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct PromConfig {
    /// Address of a server of this stage's own; without `address`, `port` and `tls` the global one shows its metrics.
    pub address: Option<String>,
    /// Port of a server of this stage's own, 9090 by default.
    pub port: Option<u16>,
    /// Certificate of a server of this stage's own.
    pub tls: Option<PromTls>,
    /// The metrics.
    pub metrics: Vec<MetricConfig>,
    /// Put before the names of the metrics.
    pub prefix: String,
    /// Series not updated for so long are removed, 2m by default.
    pub expiry_time: Option<GoDuration>,
    /// Series that may live at the same time in this stage; 0 is no limit.
    pub max_metrics: usize,
}

/// Certificate and key of a metrics server.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct PromTls {
    /// File with the certificate.
    pub cert_path: PathBuf,
    /// File with its key.
    pub key_path: PathBuf,
}

/// One metric.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct MetricConfig {
    /// Name, after the prefix.
    pub name: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: MetricKind,
    /// Help text.
    pub help: String,
    /// Which records count: filters of one key are joined by "or", keys by "and".
    pub filters: Vec<FilterConfig>,
    /// Field with the value; without it each record counts 1.
    pub value_key: String,
    /// What the value is divided by, if not 0.
    pub value_scale: f64,
    /// Fields that become labels.
    pub labels: Vec<String>,
    /// Names of labels that differ from their fields.
    pub remap: BTreeMap<String, String>,
    /// List fields that count once per element.
    pub flatten: Vec<String>,
    /// Upper bounds of a histogram's buckets.
    pub buckets: Vec<f64>,
}

/// Kind of a metric.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    #[default]
    Counter,
    Gauge,
    Histogram,
    AggHistogram,
}

impl MetricKind {
    /// What it is in the text format.
    pub const fn shown(self) -> Kind {
        match self {
            Self::Counter => Kind::Counter,
            Self::Gauge => Kind::Gauge,
            Self::Histogram | Self::AggHistogram => Kind::Histogram,
        }
    }
}

/// One condition.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct FilterConfig {
    /// The field, or `Field>sub` of a flattened one.
    pub key: String,
    /// What it is compared with.
    pub value: String,
    /// How.
    #[serde(rename = "type")]
    pub kind: FilterKind,
}

/// How a filter compares.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum FilterKind {
    #[default]
    Equal,
    NotEqual,
    Presence,
    Absence,
    MatchRegex,
    NotMatchRegex,
}

impl PromConfig {
    /// Idle time after which a series is removed.
    pub fn expiry(&self) -> Duration {
        self.expiry_time
            .map(|expiry| *expiry)
            .filter(|expiry| !expiry.is_zero())
            .unwrap_or(DEFAULT_EXPIRY)
    }

    /// Where this stage's own server listens, if it has one; an empty address is every address.
    pub fn own_address(&self) -> Option<(String, u16)> {
        if self.address.is_none() && self.port.is_none() && self.tls.is_none() {
            return None;
        }
        Some((
            self.address.clone().unwrap_or_default(),
            self.port.unwrap_or(DEFAULT_PORT),
        ))
    }

    pub fn validate(&self, problems: &mut Problems) {
        let mut names = HashSet::new();
        for (index, metric) in self.metrics.iter().enumerate() {
            let mut check = |problems: &mut Problems| {
                let name = format!("{}{}", self.prefix, metric.name);
                if !is_metric_name(&name) || metric.name.is_empty() {
                    problems.error(
                        "name",
                        format!("'{name}' is not a metric name: use letters, digits, '_' and ':'"),
                    );
                }
                if !names.insert(&metric.name) {
                    // Not refused: one more FlowMetric must not take all others away.
                    problems.warn(
                        "name",
                        format!("'{}' is there already: this one is left out", metric.name),
                    );
                }
                metric.validate(problems);
            };
            problems.at("metrics", |problems| problems.at_index(index, &mut check));
        }
    }
}

impl MetricConfig {
    fn validate(&self, problems: &mut Problems) {
        let mut names = HashSet::new();
        if self.kind.shown() == Kind::Histogram {
            // The bound of a bucket.
            names.insert("le".to_owned());
        }
        for field in &self.labels {
            if field.is_empty() {
                problems.error("labels", "an empty name is not a field: remove it");
            } else if !names.insert(label_name(field, &self.remap)) {
                problems.error(
                    "labels",
                    format!("'{field}' gives a label that is there already: use remap"),
                );
            }
        }
        if self.kind == MetricKind::AggHistogram && self.value_key.is_empty() {
            problems.error(
                "valueKey",
                "is missing: agg_histogram needs the field with the list of values",
            );
        }
        if !self.value_scale.is_finite() {
            problems.error("valueScale", "must be a finite number");
        }
        if self.buckets.iter().any(|bound| !bound.is_finite()) {
            problems.error(
                "buckets",
                "must be finite numbers; the last bucket needs no bound",
            );
        }
        for (index, filter) in self.filters.iter().enumerate() {
            let is_regex = matches!(
                filter.kind,
                FilterKind::MatchRegex | FilterKind::NotMatchRegex
            );
            let check = |problems: &mut Problems| {
                if filter.key.is_empty() {
                    problems.error("key", "is missing: set the field to compare");
                }
                if let Some(error) = is_regex.then(|| Regex::new(&filter.value).err()).flatten() {
                    problems.error(
                        "value",
                        format!("'{}' is not a regular expression: {error}", filter.value),
                    );
                }
            };
            problems.at("filters", |problems| problems.at_index(index, check));
        }
    }
}
