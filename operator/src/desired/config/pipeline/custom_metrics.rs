//! FlowMetrics as the pipeline takes them.

use super::metrics::{Filter, Metric};
use super::number::Number;
use crate::apis::flowmetric::{MatchType, MetricDirection, MetricType};
use crate::desired::flow_metrics::Made;

/// The metric of a FlowMetric that admission allows.
pub fn custom(made: &Made) -> Metric {
    let spec = made.spec;
    let mut filters: Vec<Filter> = spec
        .filters
        .iter()
        .flatten()
        .map(|filter| Filter {
            key: filter.field.clone(),
            value: filter.value.clone().unwrap_or_default(),
            kind: match_type(filter.match_type),
        })
        .collect();
    filters.extend(direction(spec.direction));
    Metric {
        name: made.name(),
        kind: match spec.kind {
            MetricType::Counter => "counter",
            MetricType::Histogram => "histogram",
            MetricType::Gauge => "gauge",
        },
        help: spec.help.clone().filter(|text| !text.is_empty()),
        filters,
        value_key: spec.value_field.clone().unwrap_or_default(),
        labels: spec.labels.clone().unwrap_or_default(),
        remap: spec.remap.clone(),
        flatten: spec.flatten.clone(),
        buckets: spec.buckets.as_ref().map(|texts| bounds(texts)),
        value_scale: spec.divider.as_deref().and_then(number),
    }
}

fn match_type(kind: MatchType) -> &'static str {
    match kind {
        MatchType::Equal => "equal",
        MatchType::NotEqual => "not_equal",
        MatchType::Presence => "presence",
        MatchType::Absence => "absence",
        MatchType::MatchRegex => "match_regex",
        MatchType::NotMatchRegex => "not_match_regex",
    }
}

/// Flows inside of a node have a direction of their own, so each side leaves out the other.
fn direction(direction: Option<MetricDirection>) -> Option<Filter> {
    let other = match direction? {
        MetricDirection::Any => return None,
        MetricDirection::Egress => "0",
        MetricDirection::Ingress => "1",
    };
    Some(Filter {
        key: "FlowDirection".to_owned(),
        value: other.to_owned(),
        kind: "not_equal",
    })
}

/// In rising order and each once, as Prometheus wants them.
fn bounds(texts: &[String]) -> Vec<Number> {
    let mut bounds: Vec<f64> = texts.iter().filter_map(|text| text.parse().ok()).collect();
    bounds.sort_by(f64::total_cmp);
    bounds.dedup();
    bounds.into_iter().map(Number).collect()
}

fn number(text: &str) -> Option<Number> {
    text.parse().ok().map(Number)
}
