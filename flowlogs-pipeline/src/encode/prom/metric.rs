//! One metric: which records count, with what value, under which labels.
//!
//! **Invariant:** a value that cannot be used is counted and changes no series.

use super::config::{MetricConfig, MetricKind};
use super::filter::Filters;
use super::flatten::parts;
use super::labels::LabelPlan;
use crate::metrics::family::{Budget, Family};
use crate::metrics::operational::{DEFAULT_BOUNDS, ENCODE_PROM_ERRORS};
use crate::metrics::text::Kind;
use crate::metrics::{Counter, Operational};
use crate::model::{Key, Record, ValueRef};

#[derive(Debug)]
pub struct Metric {
    kind: MetricKind,
    filters: Filters,
    flatten: Vec<Key>,
    value: Option<Key>,
    /// What values are divided by; 1 without a scale.
    divisor: f64,
    /// Place of the label plan.
    plan: usize,
    errors: Errors,
}

/// What one metric could not use.
#[derive(Debug)]
pub struct Errors {
    value: Counter,
    list: Counter,
    parts: Counter,
}

impl Errors {
    pub fn new(metrics: &Operational, config: &MetricConfig) -> Self {
        let counter = |error| {
            metrics.counter(
                &ENCODE_PROM_ERRORS,
                &[error, &config.name, &config.value_key],
            )
        };
        Self {
            value: counter("ValueConversionError"),
            list: counter("HistoValueConversionError"),
            parts: counter("TooManyParts"),
        }
    }
}

/// Where the samples of one metric go.
pub struct Sink<'a> {
    pub family: &'a mut Family,
    pub budget: &'a mut Budget,
    pub now_ms: u64,
    pub processed: &'a mut u64,
    pub dropped: &'a mut u64,
}

/// What a record brings to a metric.
enum Sample<'a> {
    One(f64),
    Many(&'a [serde_json::Value]),
}

impl Metric {
    pub fn new(config: &MetricConfig, plan: usize, errors: Errors) -> Result<Self, regex::Error> {
        let is_scaled = config.value_scale != 0.0 && config.kind != MetricKind::AggHistogram;
        Ok(Self {
            kind: config.kind,
            filters: Filters::new(&config.filters, &config.flatten)?,
            flatten: config
                .flatten
                .iter()
                .map(|field| field.as_str().into())
                .collect(),
            value: Some(config.value_key.as_str())
                .filter(|key| !key.is_empty())
                .map(Key::from),
            divisor: if is_scaled { config.value_scale } else { 1.0 },
            plan,
            errors,
        })
    }

    pub fn kind(&self) -> Kind {
        self.kind.shown()
    }

    /// The family that takes the samples.
    pub fn family(&self, config: &MetricConfig) -> Family {
        if self.kind() != Kind::Histogram {
            return Family::new(self.kind(), &[]);
        }
        let mut bounds = if config.buckets.is_empty() {
            DEFAULT_BOUNDS.to_vec()
        } else {
            config.buckets.clone()
        };
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        Family::new(self.kind(), &bounds)
    }

    /// Records what the records of a batch bring.
    pub fn record_all(&self, records: &[Record], plans: &mut [LabelPlan], sink: &mut Sink<'_>) {
        let plan = &mut plans[self.plan];
        let mut scratch = String::new();
        for (place, record) in records.iter().enumerate() {
            if self.filters.pass_record(record, &mut scratch) {
                self.record(place, record, plan, sink, &mut scratch);
            }
        }
    }

    #[inline]
    fn record(
        &self,
        place: usize,
        record: &Record,
        plan: &mut LabelPlan,
        sink: &mut Sink<'_>,
        scratch: &mut String,
    ) {
        let Some(sample) = self.sample(record) else {
            return;
        };
        if self.flatten.is_empty() {
            let (hash, text) = plan.of(place, record, &[]);
            sink.take(hash, text, &sample);
            return;
        }
        let is_whole = parts(record, &self.flatten, |part| {
            if self.filters.pass_part(record, part, scratch) {
                let (hash, text) = plan.of(place, record, part);
                sink.take(hash, text, &sample);
            }
        });
        if !is_whole {
            self.errors.parts.inc();
        }
    }

    #[inline]
    fn sample<'a>(&self, record: &'a Record) -> Option<Sample<'a>> {
        let Some(key) = &self.value else {
            return Some(Sample::One(1.0));
        };
        let value = record.get(key)?;
        if self.kind == MetricKind::AggHistogram {
            return match value {
                ValueRef::Json(serde_json::Value::Array(items))
                    if items.iter().all(serde_json::Value::is_number) =>
                {
                    Some(Sample::Many(items))
                }
                _ => {
                    self.errors.list.inc();
                    None
                }
            };
        }
        let is_usable = |number: &f64| match self.kind {
            MetricKind::Counter => number.is_finite() && *number >= 0.0,
            MetricKind::Gauge => true,
            MetricKind::Histogram | MetricKind::AggHistogram => number.is_finite(),
        };
        let number = value
            .as_float()
            .map(|number| number / self.divisor)
            .filter(is_usable);
        if number.is_none() {
            self.errors.value.inc();
        }
        number.map(Sample::One)
    }
}

impl Sink<'_> {
    #[inline]
    fn take(&mut self, hash: u64, labels: &str, sample: &Sample<'_>) {
        match sample {
            Sample::One(value) => self.update(hash, labels, *value),
            Sample::Many(values) => {
                for value in values.iter().filter_map(serde_json::Value::as_f64) {
                    self.update(hash, labels, value);
                }
            }
        }
    }

    #[inline]
    fn update(&mut self, hash: u64, labels: &str, value: f64) {
        let is_taken = self
            .family
            .update(hash, labels, value, self.now_ms, self.budget);
        *(if is_taken {
            &mut *self.processed
        } else {
            &mut *self.dropped
        }) += 1;
    }
}
