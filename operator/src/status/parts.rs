//! `status` of FlowMetrics and slices.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::conditions::{Dating, Draft, all_dated};
use crate::apis::flowcollector::v1beta2::shared::Int;
use crate::apis::flowcollectorslice::FlowCollectorSliceStatus;
use crate::apis::flowmetric::FlowMetricStatus;
use crate::apis::flowmetric::fields::Cardinality;
use crate::desired::{MetricOutcome, SliceOutcome};

/// Message of what is used as it is.
const CONFIGURED: &str = "flowlogs-pipeline configured";

/// The status of a FlowMetric as it should be.
pub fn flow_metric(
    outcome: &MetricOutcome,
    previous: Option<&FlowMetricStatus>,
    generation: Option<i64>,
    now: &Time,
) -> FlowMetricStatus {
    let is_dangerous = matches!(
        outcome.cardinality,
        Cardinality::Avoid | Cardinality::Unknown
    );
    let cardinality = Draft {
        kind: "CardinalityWarning",
        status: if is_dangerous { "True" } else { "False" },
        reason: outcome.cardinality.as_str().to_owned(),
        message: outcome.details.clone(),
    };
    let drafts = vec![ready(outcome.problem.clone()), cardinality];
    let previous = previous.map(|status| status.conditions.as_slice());
    FlowMetricStatus {
        conditions: conditions(drafts, previous, generation, now),
        prometheus_name: Some(outcome.prometheus_name.clone()),
    }
}

/// The status of a slice as it should be.
pub fn slice(
    outcome: &SliceOutcome,
    previous: Option<&FlowCollectorSliceStatus>,
    generation: Option<i64>,
    now: &Time,
) -> FlowCollectorSliceStatus {
    let mut drafts = Vec::new();
    if outcome.is_read {
        let problems = outcome.problems.join("; ");
        drafts.push(ready(Some(problems).filter(|text| !text.is_empty())));
    } else {
        drafts.push(Draft {
            kind: "Ready",
            status: "False",
            reason: "SlicesDisabled".to_owned(),
            message: "spec.processor.slicesConfig.enable of the FlowCollector is off".to_owned(),
        });
    }
    if !outcome.overlaps.is_empty() {
        drafts.push(Draft {
            kind: "SubnetWarning",
            status: "True",
            reason: "SubnetOverlap".to_owned(),
            message: outcome.overlaps.clone(),
        });
    }
    let previous = previous.map(|status| status.conditions.as_slice());
    FlowCollectorSliceStatus {
        conditions: conditions(drafts, previous, generation, now),
        filter_applied: outcome.filter.clone(),
        subnet_labels_configured: outcome.is_read.then_some(outcome.labels as Int),
    }
}

fn ready(problem: Option<String>) -> Draft {
    let (status, reason) = match problem {
        None => ("True", "Ready"),
        Some(_) => ("False", "Failure"),
    };
    Draft {
        kind: "Ready",
        status,
        reason: reason.to_owned(),
        message: problem.unwrap_or_else(|| CONFIGURED.to_owned()),
    }
}

fn conditions(
    drafts: Vec<Draft>,
    previous: Option<&[Condition]>,
    generation: Option<i64>,
    now: &Time,
) -> Vec<Condition> {
    let dating = Dating {
        previous: previous.unwrap_or_default(),
        generation,
        now,
    };
    all_dated(drafts, &dating)
}
