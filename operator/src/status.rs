//! `status` of a FlowCollector: what was observed and what went wrong, as component states and conditions.
//!
//! **Invariant:** pure; equal observations give an equal status, but for the time of a change.

mod conditions;
mod exporters;
mod parts;
mod pods;
#[cfg(test)]
mod tests;
mod workload;

pub use parts::{flow_metric, slice};
pub use pods::Unhealthy;
pub use workload::{observe, observe_detached};

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::apis::flowcollector::v1beta2::FlowCollectorSpec;
use crate::apis::flowcollector::v1beta2::status::{
    ComponentState, ComponentStatus, ComponentsStatus, FlowCollectorStatus, IntegrationsStatus,
};
use crate::desired::Component;

/// Longest message of a component, in characters.
const MESSAGE_LENGTH_MAX: usize = 1024;

/// What is known about one component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// In one word of the API.
    pub state: ComponentState,
    /// Why, in one word.
    pub reason: String,
    /// Why, for the user, with the next step.
    pub message: String,
    /// Pods wanted.
    pub desired: Option<i32>,
    /// Pods ready.
    pub ready: Option<i32>,
    /// Pods that fail.
    pub unhealthy: Unhealthy,
}

impl Report {
    /// A state with its reason.
    pub fn new(state: ComponentState, reason: &str, message: impl Into<String>) -> Self {
        Self {
            state,
            reason: reason.to_owned(),
            message: message.into(),
            ..Self::default()
        }
    }

    /// Takes the other's reason over if its state is worse; joins messages of the same state; adds pods.
    pub fn merge(&mut self, other: Self) {
        let pods = |left: Option<i32>, right: Option<i32>| match (left, right) {
            (None, None) => None,
            (left, right) => Some(left.unwrap_or(0) + right.unwrap_or(0)),
        };
        self.desired = pods(self.desired, other.desired);
        self.ready = pods(self.ready, other.ready);
        self.unhealthy.merge(other.unhealthy);
        match severity(other.state).cmp(&severity(self.state)) {
            std::cmp::Ordering::Greater => {
                self.state = other.state;
                self.reason = other.reason;
                self.message = other.message;
            }
            std::cmp::Ordering::Equal if !other.message.is_empty() => {
                if !self.message.is_empty() {
                    self.message.push_str("; ");
                }
                self.message.push_str(&other.message);
            }
            _ => {}
        }
    }
}

/// Which of two states is shown.
fn severity(state: ComponentState) -> u8 {
    match state {
        ComponentState::Unknown => 0,
        ComponentState::Unused => 1,
        ComponentState::Ready => 2,
        ComponentState::Degraded => 3,
        ComponentState::InProgress => 4,
        ComponentState::Failure => 5,
    }
}

/// What the rules of admission say about the specification, also about one that was stored before them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Issues {
    /// What cannot be deployed as it stands.
    pub errors: Vec<String>,
    /// What is suspicious.
    pub warnings: Vec<String>,
}

/// All that the status is made of.
#[derive(Debug)]
pub struct Observation<'a> {
    /// What the user wants.
    pub spec: &'a FlowCollectorSpec,
    /// Generation of the specification that was worked on.
    pub generation: Option<i64>,
    /// Component by component; one that is not here is not used.
    pub reports: &'a BTreeMap<Component, Report>,
    /// Findings about the specification.
    pub issues: &'a Issues,
    /// The status as it is.
    pub previous: Option<&'a FlowCollectorStatus>,
    /// For conditions that change.
    pub now: Time,
}

/// The status as it should be.
pub fn compute(observation: &Observation) -> FlowCollectorStatus {
    let previous = observation.previous.cloned().unwrap_or_default();
    let component = |component| {
        observation
            .reports
            .get(&component)
            .map(component_status)
            .or_else(|| Some(component_status(&unused())))
    };
    FlowCollectorStatus {
        conditions: conditions::compute(observation),
        namespace: previous.namespace,
        components: Some(ComponentsStatus {
            agent: component(Component::Agent),
            processor: component(Component::Processor),
            plugin: component(Component::Console),
        }),
        integrations: Some(IntegrationsStatus {
            loki: component(if observation.reports.contains_key(&Component::LokiStack) {
                Component::LokiStack
            } else {
                Component::Loki
            }),
            monitoring: component(Component::Monitoring),
            exporters: exporters::compute(observation),
        }),
    }
}

/// The status when a run could not begin: the controller's part has failed as `report` says, and of the others stands
/// what was last observed.
pub fn stalled(
    previous: FlowCollectorStatus,
    generation: Option<i64>,
    report: &Report,
    now: &Time,
) -> FlowCollectorStatus {
    let dating = conditions::Dating {
        previous: &previous.conditions,
        generation,
        now,
    };
    FlowCollectorStatus {
        conditions: conditions::stalled(report, &dating),
        ..previous
    }
}

/// On hold these have no workload; what is left of them, such as a namespace, says nothing about it. What went wrong is
/// told all the same.
pub fn hold(reports: &mut BTreeMap<Component, Report>) {
    for component in [Component::Agent, Component::Processor, Component::Console] {
        let report = reports.entry(component).or_default();
        if severity(report.state) <= severity(ComponentState::Ready) {
            *report = Report {
                message: "FlowCollector is on hold".to_owned(),
                ..unused()
            };
        }
    }
}

/// The report of a component that the specification does not ask for.
fn unused() -> Report {
    Report::new(ComponentState::Unused, "ComponentUnused", "")
}

fn component_status(report: &Report) -> ComponentStatus {
    let text = |text: &str| (!text.is_empty()).then(|| cut(text));
    let count = report.unhealthy.count();
    ComponentStatus {
        state: report.state,
        reason: text(&report.reason),
        message: text(&report.message),
        desired_replicas: report.desired,
        ready_replicas: report.ready,
        unhealthy_pod_count: (count > 0).then_some(count),
        pod_issues: text(&report.unhealthy.summary()),
    }
}

/// A message that is not too long.
fn cut(text: &str) -> String {
    if text.chars().count() <= MESSAGE_LENGTH_MAX {
        return text.to_owned();
    }
    let start: String = text.chars().take(MESSAGE_LENGTH_MAX - 3).collect();
    format!("{start}...")
}
