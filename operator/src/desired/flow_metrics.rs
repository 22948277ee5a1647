//! FlowMetrics: which of them are made, under which names, and what is told about each.
//!
//! Only those in the components' namespace count. One that cannot be made is reported and harms no other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kube::core::ObjectMeta;

use crate::apis::flowmetric::fields::Cardinality;
use crate::apis::flowmetric::validate::{cardinality, prometheus_name, validate};
use crate::apis::flowmetric::{FlowMetric, FlowMetricSpec, operational};
use crate::effective::Effective;
use crate::scope::METRICS_PREFIX;

/// A FlowMetric that is made.
#[derive(Debug, Clone, Copy)]
pub struct Made<'a> {
    object_name: &'a str,
    /// As the user wrote it.
    pub spec: &'a FlowMetricSpec,
}

impl Made<'_> {
    /// Full name in Prometheus.
    pub fn prometheus_name(&self) -> String {
        prometheus_name(self.object_name, self.spec)
    }

    /// Name without the prefix that the pipeline adds.
    pub fn name(&self) -> String {
        let name = self.prometheus_name();
        name.strip_prefix(METRICS_PREFIX)
            .unwrap_or(&name)
            .to_owned()
    }
}

/// What became of one FlowMetric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricOutcome {
    /// Of the object.
    pub namespace: String,
    /// Of the object.
    pub name: String,
    /// Full name in Prometheus.
    pub prometheus_name: String,
    /// Why it is not made; none if it is.
    pub problem: Option<String>,
    /// How many series its labels make at worst.
    pub cardinality: Cardinality,
    /// Labels by level, for the reader.
    pub details: String,
}

impl MetricOutcome {
    fn of(metric: &FlowMetric, problem: Option<String>) -> Self {
        let object_name = name(&metric.metadata);
        let labels = metric.spec.labels.as_deref().unwrap_or_default();
        let (cardinality, details) = cardinality(labels);
        Self {
            namespace: metric.metadata.namespace.clone().unwrap_or_default(),
            name: object_name.to_owned(),
            prometheus_name: prometheus_name(object_name, &metric.spec),
            cardinality,
            details,
            problem,
        }
    }
}

/// All FlowMetrics.
#[derive(Debug, Default)]
pub struct FlowMetrics<'a> {
    /// Those that are made, by the names of the objects.
    pub made: Vec<Made<'a>>,
    /// What became of each, those of other namespaces first.
    pub outcomes: Vec<MetricOutcome>,
}

/// Sorts out which are made.
pub fn collect<'a>(
    all: &'a [Arc<FlowMetric>],
    namespace: &str,
    effective: &Effective,
) -> FlowMetrics<'a> {
    let mut given: Vec<&FlowMetric> = all
        .iter()
        .map(AsRef::as_ref)
        .filter(|metric| metric.metadata.namespace.as_deref() == Some(namespace))
        .collect();
    given.sort_by_key(|metric| metric.metadata.name.as_deref());
    let predefined: BTreeSet<String> = effective.metrics().into_iter().collect();
    let owners = owners(&given);
    let mut metrics = FlowMetrics {
        outcomes: elsewhere(all, namespace).collect(),
        ..FlowMetrics::default()
    };
    for metric in given {
        let object_name = name(&metric.metadata);
        let made = Made {
            object_name,
            spec: &metric.spec,
        };
        let owner = owners.get(&made.name()).copied().unwrap_or(object_name);
        let problem = problem(made, owner, &predefined);
        let is_made = problem.is_none();
        metrics.outcomes.push(MetricOutcome::of(metric, problem));
        if is_made {
            metrics.made.push(made);
        }
    }
    metrics
}

/// What became of those of other namespaces: nothing.
fn elsewhere<'a>(
    given: &'a [Arc<FlowMetric>],
    namespace: &'a str,
) -> impl Iterator<Item = MetricOutcome> + 'a {
    let others = given
        .iter()
        .filter(move |metric| metric.metadata.namespace.as_deref() != Some(namespace));
    others.map(move |metric| {
        let problem = format!(
            "it is not used, since only FlowMetrics of the FlowCollector's namespace are: move it to {namespace}"
        );
        MetricOutcome::of(metric, Some(problem))
    })
}

/// Whose a name is where several ask for it: the eldest's, so that a new one takes nothing from those that are there.
fn owners<'a>(given: &[&'a FlowMetric]) -> BTreeMap<String, &'a str> {
    let mut by_age = given.to_vec();
    by_age.sort_by_key(|metric| {
        let created = metric.metadata.creation_timestamp.as_ref();
        (created.map(|time| time.0), name(&metric.metadata))
    });
    let mut owners = BTreeMap::new();
    for metric in by_age {
        let made = Made {
            object_name: name(&metric.metadata),
            spec: &metric.spec,
        };
        if validate(made.spec).errors.is_empty() {
            owners.entry(made.name()).or_insert(made.object_name);
        }
    }
    owners
}

fn problem(made: Made, owner: &str, predefined: &BTreeSet<String>) -> Option<String> {
    let name = made.name();
    let errors = validate(made.spec).errors;
    if !errors.is_empty() {
        let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
        return Some(texts.join("; "));
    }
    if operational::is_taken(&name) {
        return Some(format!(
            "{name} is the name of a metric of the pipeline itself; set another spec.metricName"
        ));
    }
    if predefined.contains(&name) {
        return Some(format!(
            "{name} is the name of a predefined metric that is made; set another spec.metricName, or leave it out of \
             spec.processor.metrics.includeList of the FlowCollector"
        ));
    }
    (owner != made.object_name).then(|| {
        format!("the FlowMetric {owner} makes {name} already; set another spec.metricName")
    })
}

fn name(metadata: &ObjectMeta) -> &str {
    metadata.name.as_deref().unwrap_or_default()
}
