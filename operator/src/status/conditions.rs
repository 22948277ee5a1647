//! Conditions of a FlowCollector.

use std::borrow::Cow;
use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::{Observation, Report, cut};
use crate::apis::flowcollector::v1beta2::DeploymentModel;
use crate::apis::flowcollector::v1beta2::status::ComponentState;
use crate::desired::Component;
use crate::effective::Effective;

/// Of the whole.
const READY: &str = "Ready";
/// Of the operator's own work.
const WAITING_FOR_CONTROLLER: &str = "WaitingFlowCollectorController";

/// A condition before it gets its time.
pub struct Draft {
    pub kind: &'static str,
    pub status: &'static str,
    pub reason: String,
    pub message: String,
}

/// What a condition's time and generation come from.
pub struct Dating<'a> {
    /// Conditions as they are.
    pub previous: &'a [Condition],
    /// Generation that was worked on.
    pub generation: Option<i64>,
    /// For conditions that change.
    pub now: &'a Time,
}

pub fn compute(observation: &Observation) -> Vec<Condition> {
    let reports = shown(observation);
    let mut drafts = vec![ready(&reports, observation), configuration(observation)];
    drafts.extend(kafka(observation));
    drafts.extend(waiting(&reports, observation));
    let previous = observation.previous;
    let dating = Dating {
        previous: previous.map_or(&[], |status| &status.conditions),
        generation: observation.generation,
        now: &observation.now,
    };
    all_dated(drafts, &dating)
}

/// The reports that conditions tell of. The built-in store is a part of the console: no condition is about it alone, and
/// it is no demo Loki.
fn shown<'a>(observation: &Observation<'a>) -> Cow<'a, BTreeMap<Component, Report>> {
    let reports = observation.reports;
    let is_demo = Effective::of(observation.spec).uses_demo_loki();
    let Some(store) = reports.get(&Component::Loki).filter(|_| !is_demo) else {
        return Cow::Borrowed(reports);
    };
    let mut shown = reports.clone();
    shown.remove(&Component::Loki);
    let console = shown.entry(Component::Console).or_default();
    let both = [console.message.clone(), store.message.clone()];
    console.merge(store.clone());
    // Also what is less bad: that a volume cannot shrink is not said elsewhere.
    console.message = both
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join("; ");
    Cow::Owned(shown)
}

/// Those of before, but that the controller's part failed.
pub fn stalled(report: &Report, dating: &Dating) -> Vec<Condition> {
    let ready = Draft {
        kind: READY,
        status: "False",
        reason: "Failure".to_owned(),
        message: report.message.clone(),
    };
    let mut conditions = dating.previous.to_vec();
    for draft in [ready, waiting_for(WAITING_FOR_CONTROLLER, Some(report))] {
        let condition = dated(draft, dating);
        let mut before = conditions.iter_mut();
        match before.find(|before| before.type_ == condition.type_) {
            Some(before) => *before = condition,
            None => conditions.push(condition),
        }
    }
    conditions
}

/// All of them, each as [`dated`] says.
pub fn all_dated(drafts: Vec<Draft>, dating: &Dating) -> Vec<Condition> {
    let drafts = drafts.into_iter();
    drafts.map(|draft| dated(draft, dating)).collect()
}

/// Keeps the time of a condition that did not change.
fn dated(draft: Draft, dating: &Dating) -> Condition {
    let mut previous = dating.previous.iter();
    let previous = previous
        .find(|condition| condition.type_ == draft.kind && condition.status == draft.status);
    Condition {
        type_: draft.kind.to_owned(),
        status: draft.status.to_owned(),
        reason: draft.reason,
        message: cut(&draft.message),
        observed_generation: dating.generation,
        last_transition_time: previous.map_or_else(
            || dating.now.clone(),
            |condition| condition.last_transition_time.clone(),
        ),
    }
}

fn ready(reports: &BTreeMap<Component, Report>, observation: &Observation) -> Draft {
    let count = |state| {
        reports
            .values()
            .filter(|report| report.state == state)
            .count()
    };
    let failed = count(ComponentState::Failure);
    let pending = count(ComponentState::InProgress);
    let degraded = count(ComponentState::Degraded);
    let (status, reason) = match (failed, pending, degraded) {
        (0, 0, 0) => ("True", "Ready"),
        (0, 0, _) => ("True", "Ready,Degraded"),
        (0, _, _) => ("False", "Pending"),
        _ => ("False", "Failure"),
    };
    let mut message = format!(
        "{} ready components, {failed} with failure, {pending} pending, {degraded} degraded",
        count(ComponentState::Ready)
    );
    if Effective::of(observation.spec).is_on_hold {
        message.push_str("; on hold: nothing collects flows until spec.execution.mode is Running");
    }
    // As Kubernetes sees it all is well with it.
    let idle = reports
        .values()
        .filter(|report| report.state == ComponentState::Ready && report.desired == Some(0));
    for report in idle {
        message.push_str("; ");
        message.push_str(&report.message);
    }
    Draft {
        kind: READY,
        status,
        reason: reason.to_owned(),
        message,
    }
}

fn configuration(observation: &Observation) -> Draft {
    let issues = observation.issues;
    let (status, reason, message) = if !issues.errors.is_empty() {
        ("True", "Error", issues.errors.join("; "))
    } else if !issues.warnings.is_empty() {
        ("True", "Warnings", issues.warnings.join("; "))
    } else {
        ("False", "Valid", String::new())
    };
    Draft {
        kind: "ConfigurationIssue",
        status,
        reason: reason.to_owned(),
        message,
    }
}

/// Only in the Kafka model.
fn kafka(observation: &Observation) -> Option<Draft> {
    if !is_kafka(observation) {
        return None;
    }
    let processor = observation.reports.get(&Component::Processor)?;
    let agent = observation.reports.get(&Component::Agent);
    let mut problems = Vec::new();
    if matches!(
        processor.state,
        ComponentState::Failure | ComponentState::Degraded
    ) {
        problems.push(format!("Transformer: {}", processor.message));
    }
    let pods = agent
        .map(|agent| agent.unhealthy.summary())
        .unwrap_or_default();
    if pods.to_lowercase().contains("kafka") {
        problems.push(format!("Agents: {pods}"));
    }
    let (status, reason) = match processor.state {
        _ if !problems.is_empty() => ("False", "KafkaIssue"),
        ComponentState::Ready => ("True", "Ready"),
        ComponentState::InProgress => ("False", "KafkaPending"),
        _ => return None,
    };
    Some(Draft {
        kind: "KafkaReady",
        status,
        reason: reason.to_owned(),
        message: problems.join("; "),
    })
}

fn is_kafka(observation: &Observation) -> bool {
    observation.spec.deployment_model == Some(DeploymentModel::Kafka)
}

/// One condition per part that NetObserv's own controllers report, for those who watch for them.
fn waiting(reports: &BTreeMap<Component, Report>, observation: &Observation) -> Vec<Draft> {
    let pipeline = if is_kafka(observation) {
        ("WaitingFLPMonolith", "WaitingFLPTransformer")
    } else {
        ("WaitingFLPTransformer", "WaitingFLPMonolith")
    };
    let parts = [
        (WAITING_FOR_CONTROLLER, Some(Component::Controller)),
        ("WaitingEBPFAgents", Some(Component::Agent)),
        ("WaitingWebConsole", Some(Component::Console)),
        ("WaitingFLPParent", Some(Component::Processor)),
        (pipeline.0, None),
        (pipeline.1, Some(Component::Processor)),
        ("WaitingMonitoring", Some(Component::Monitoring)),
        ("WaitingNetworkPolicy", Some(Component::NetworkPolicy)),
        ("WaitingDemoLoki", Some(Component::Loki)),
        ("WaitingLokiStack", Some(Component::LokiStack)),
        ("WaitingStaticController", Some(Component::StaticPlugin)),
    ];
    parts
        .into_iter()
        .map(|(kind, component)| {
            let report = component.and_then(|component| reports.get(&component));
            waiting_for(kind, report)
        })
        .collect()
}

fn waiting_for(kind: &'static str, report: Option<&Report>) -> Draft {
    let state = report.map_or(ComponentState::Unused, |report| report.state);
    let own = report
        .map(|report| report.reason.clone())
        .unwrap_or_default();
    let (status, reason) = match state {
        ComponentState::Failure | ComponentState::InProgress | ComponentState::Degraded => {
            let reason = if own.is_empty() {
                "NotReady".to_owned()
            } else {
                own
            };
            ("True", reason)
        }
        ComponentState::Ready => ("False", "Ready".to_owned()),
        ComponentState::Unused => ("Unknown", "ComponentUnused".to_owned()),
        ComponentState::Unknown => ("Unknown", "Unknown".to_owned()),
    };
    Draft {
        kind,
        status,
        reason,
        message: report
            .map(|report| report.message.clone())
            .unwrap_or_default(),
    }
}
