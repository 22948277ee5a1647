//! What a request means, for any source: groups of conditions, labels to group by, window, factor.
//!
//! Built from a [`request`](super::request) by the API; turned into a source's words by
//! [`store`](super::store).
//! **Invariant:** every field in a plan stands in the dictionary, so a source never sees a name
//! that came from a request.

use std::collections::BTreeMap;

use super::filter::{Condition, Group, Operator};
use super::request::{FlowRequest, Function, MetricsRequest, PacketLoss, RecordType, Span};
use super::{BadRequest, excerpt};
use crate::fields::{Dictionary, Kind};

/// Series per step when the request gives no limit.
const TOP_K: usize = 100;
/// Samples of one series, Loki's own limit.
const STEPS_MAX: i64 = 11_000;
/// Steps that one window covers: each row is added to the samples of all of them. The pages ask for two.
const WINDOW_STEPS_MAX: i64 = 60;

/// Rows to read, whatever is done with them.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// When.
    pub span: Span,
    /// Which records.
    pub record_type: RecordType,
    /// Which flows.
    pub packet_loss: PacketLoss,
    /// One namespace only, at either end.
    pub namespace: Option<String>,
    /// Any group, all of its conditions.
    pub groups: Vec<Group>,
}

/// The newest rows.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordsPlan {
    /// Which rows.
    pub selection: Selection,
    /// How many; none is as many as the source gives.
    pub limit: Option<usize>,
}

/// What is aggregated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measure {
    /// Rows.
    Flows,
    /// Rows that carry DNS.
    DnsFlows,
    /// A number of the row.
    Field(String),
}

/// Series over time.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricsPlan {
    /// Which rows. `span` holds the first step and the last one's bound.
    pub selection: Selection,
    /// Labels of the series.
    pub labels: Vec<String>,
    /// A field the row must have, when it is grouped by.
    pub required_field: Option<String>,
    /// What is aggregated.
    pub measure: Measure,
    /// How.
    pub function: Function,
    /// Flows that two reporters saw count once.
    pub counts_once: bool,
    /// Distance of samples.
    pub step_ms: i64,
    /// A sample at `t` covers `(t - window, t]`.
    pub window_ms: i64,
    /// Factor on the result.
    pub factor: f64,
    /// Series per step.
    pub top_k: usize,
}

/// Distinct values of a field.
#[derive(Debug, Clone, PartialEq)]
pub struct ValuesPlan {
    /// Which rows.
    pub selection: Selection,
    /// Field.
    pub field: String,
    /// Beginning of the values.
    pub prefix: String,
    /// How many.
    pub limit: usize,
}

/// What is known about the data when a plan is made.
#[derive(Debug)]
pub struct Planner {
    /// Fields.
    pub dictionary: &'static Dictionary,
    /// Labels by aggregation key.
    pub aggregation_keys: BTreeMap<String, Vec<String>>,
}

impl Planner {
    /// Plans a records request.
    pub fn records(&self, request: FlowRequest) -> Result<RecordsPlan, BadRequest> {
        let limit = request.limit;
        Ok(RecordsPlan {
            selection: self.selection(request)?,
            limit,
        })
    }

    /// Plans a metrics request.
    pub fn metrics(&self, request: MetricsRequest) -> Result<MetricsPlan, BadRequest> {
        let (mut labels, required_field) = self.labels(&request.aggregate_by)?;
        for group in self.group_keys(&request.groups)? {
            for label in &self.aggregation_keys[group] {
                if !labels.contains(label) {
                    labels.push(label.clone());
                }
            }
        }
        let measure = self.measure(&request.kind)?;
        let counts = matches!(request.function, Function::Count | Function::Rate);
        if !counts && !matches!(measure, Measure::Field(_)) {
            return Err(BadRequest::new(format!(
                "invalid metric function: {} can only be counted; take count or rate",
                request.kind
            )));
        }
        let mut flow = request.flow;
        flow.record_type = match flow.record_type {
            RecordType::FlowLog => RecordType::FlowLog,
            _ => RecordType::EndConnection,
        };
        if flow.span.is_relative {
            // Steps stay where they are from one refresh to the next, so that charts do not flicker.
            flow.span.start_ms -= flow.span.start_ms.rem_euclid(request.step_ms);
        }
        if (flow.span.end_ms - flow.span.start_ms) / request.step_ms >= STEPS_MAX {
            return Err(BadRequest::new(format!(
                "invalid step: exceeded maximum resolution of {STEPS_MAX} points per series; take a longer step or a \
                 shorter range"
            )));
        }
        if request.rate_interval_ms / request.step_ms > WINDOW_STEPS_MAX {
            return Err(BadRequest::new(format!(
                "invalid rate interval: it covers more than {WINDOW_STEPS_MAX} steps; take a longer step or a shorter \
                 interval"
            )));
        }
        let top_k = flow.limit.unwrap_or(TOP_K);
        Ok(MetricsPlan {
            selection: self.selection(flow)?,
            labels,
            required_field,
            counts_once: matches!(request.kind.as_str(), "Bytes" | "Packets"),
            factor: if request.kind == "TimeFlowRttNs" {
                1e-6
            } else {
                1.0
            },
            measure,
            function: request.function,
            step_ms: request.step_ms,
            window_ms: match request.function {
                Function::Rate => request.rate_interval_ms,
                _ => request.step_ms,
            },
            top_k,
        })
    }

    /// Plans a request for the values of a field.
    pub fn values(
        &self,
        field: &str,
        prefix: &str,
        request: FlowRequest,
        limit: usize,
    ) -> Result<ValuesPlan, BadRequest> {
        if self.dictionary.get(field).is_none() {
            return Err(unknown_field(field));
        }
        let selection = self.selection(request)?;
        Ok(ValuesPlan {
            selection,
            field: field.to_owned(),
            prefix: prefix.to_owned(),
            limit,
        })
    }

    fn selection(&self, request: FlowRequest) -> Result<Selection, BadRequest> {
        for condition in request.groups.iter().flatten() {
            self.check(condition)?;
        }
        Ok(Selection {
            span: request.span,
            record_type: request.record_type,
            packet_loss: request.packet_loss,
            namespace: request.namespace,
            groups: request.groups,
        })
    }

    fn check(&self, condition: &Condition) -> Result<(), BadRequest> {
        let fields = self.dictionary.resolve(&condition.key);
        let Some(field) = fields.first() else {
            return Err(BadRequest::new(format!(
                "unknown filter key: {}",
                excerpt(&condition.key)
            )));
        };
        let is_numeric = matches!(field.kind, Kind::Number | Kind::NumberList);
        if condition.operator == Operator::AtLeast && !is_numeric {
            return Err(BadRequest::new(format!(
                "filter {}: >= needs a field that is a number",
                condition.key
            )));
        }
        Ok(())
    }

    /// Labels of an aggregation key, or the field itself, which must then be present.
    fn labels(&self, aggregate_by: &str) -> Result<(Vec<String>, Option<String>), BadRequest> {
        if let Some(labels) = self.aggregation_keys.get(aggregate_by) {
            return Ok((labels.clone(), None));
        }
        let Some(field) = self.dictionary.get(aggregate_by) else {
            return Err(BadRequest::new(format!(
                "unknown aggregateBy: {}",
                excerpt(aggregate_by)
            )));
        };
        let required = (!field.is_label).then(|| field.name.clone());
        Ok((vec![field.name.clone()], required))
    }

    /// Aggregation keys named by `groups`, such as `namespaces+owners`.
    fn group_keys<'a>(&self, groups: &'a str) -> Result<Vec<&'a str>, BadRequest> {
        groups
            .split(['+', ' '])
            .filter(|group| !group.is_empty())
            .map(|group| {
                let key = group.strip_suffix('s').unwrap_or(group);
                [group, key]
                    .into_iter()
                    .find(|key| self.aggregation_keys.contains_key(*key))
                    .ok_or_else(|| BadRequest::new(format!("unknown group: {}", excerpt(group))))
            })
            .collect()
    }

    fn measure(&self, kind: &str) -> Result<Measure, BadRequest> {
        match kind {
            "Flows" => Ok(Measure::Flows),
            "DnsFlows" => Ok(Measure::DnsFlows),
            field => match self.dictionary.get(field) {
                Some(known) if known.kind == Kind::Number => Ok(Measure::Field(known.name.clone())),
                _ => Err(BadRequest::new(format!(
                    "invalid type: {} is not a number to aggregate",
                    excerpt(field)
                ))),
            },
        }
    }
}

fn unknown_field(field: &str) -> BadRequest {
    BadRequest::new(format!("unknown field: {}", excerpt(field)))
}

#[cfg(test)]
mod tests;
