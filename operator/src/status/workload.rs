//! The state of a component's workload, as its live object says.

use kube::core::DynamicObject;
use serde_json::Value;

use super::Report;
use crate::apis::flowcollector::v1beta2::status::ComponentState;
use crate::object::Key;

/// Of a Deployment or DaemonSet that shall exist; anything else has no state of its own.
pub fn observe(key: &Key, live: Option<&DynamicObject>) -> Option<Report> {
    if !matches!(key.kind.as_str(), "Deployment" | "DaemonSet") {
        return None;
    }
    let Some(live) = live else {
        let reason = format!("{}NotCreated", key.kind);
        let message = format!("{key} does not exist yet");
        return Some(Report::new(ComponentState::InProgress, &reason, message));
    };
    Some(if key.kind == "DaemonSet" {
        daemon_set(key, live)
    } else {
        deployment(key, live)
    })
}

/// Of one that a user took from the operator: how it is is up to whoever has it, so that it is no worse than ready, but
/// how many pods there are is told.
pub fn observe_detached(key: &Key, live: &DynamicObject) -> Option<Report> {
    let mut report = observe(key, Some(live))?;
    report.state = ComponentState::Ready;
    "Ready".clone_into(&mut report.reason);
    Some(report)
}

fn number(value: &Value) -> i32 {
    value
        .as_i64()
        .and_then(|number| i32::try_from(number).ok())
        .unwrap_or_default()
}

fn daemon_set(key: &Key, live: &DynamicObject) -> Report {
    let status = &live.data["status"];
    let desired = number(&status["desiredNumberScheduled"]);
    let ready = number(&status["numberReady"]);
    let is_observed = is_observed(live);
    let mut report = if is_observed && desired == 0 {
        let message = format!(
            "no node runs a pod of {key}: see whether the cluster has one that its node selector, affinity and \
             tolerations allow"
        );
        Report::new(ComponentState::Ready, "Ready", message)
    } else if is_observed && ready >= desired {
        Report::new(ComponentState::Ready, "Ready", "")
    } else if is_observed {
        let message = format!("{key}: {ready} of {desired} pods are ready");
        Report::new(ComponentState::InProgress, "DaemonSetNotReady", message)
    } else {
        let message = format!("{key} was just created or changed");
        Report::new(ComponentState::InProgress, "CreatingDaemonSet", message)
    };
    report.desired = Some(desired);
    report.ready = Some(ready);
    report
}

fn deployment(key: &Key, live: &DynamicObject) -> Report {
    let status = &live.data["status"];
    let desired = live.data["spec"]["replicas"]
        .as_i64()
        .map_or(1, |replicas| i32::try_from(replicas).unwrap_or(i32::MAX));
    let ready = number(&status["readyReplicas"]);
    let condition = |kind: &str| {
        let mut all = status["conditions"].as_array().into_iter().flatten();
        all.find(|condition| condition["type"] == kind)
    };
    let available = condition("Available");
    let is_ready = match available {
        Some(condition) => condition["status"] == "True",
        None => desired == 0 || (ready == desired && is_observed(live)),
    };
    let mut report = if !is_observed(live) {
        let message = format!("{key} was just created or changed");
        Report::new(ComponentState::InProgress, "CreatingDeployment", message)
    } else if is_ready && desired == 0 {
        let message = format!("no pod of {key} runs: it has 0 replicas");
        Report::new(ComponentState::Ready, "Ready", message)
    } else if is_ready {
        Report::new(ComponentState::Ready, "Ready", "")
    } else {
        // Pods that a policy or a quota forbids are not there to be looked at.
        let forbidden = condition("ReplicaFailure");
        let why = forbidden
            .filter(|condition| condition["status"] == "True")
            .or(available)
            .and_then(|condition| condition["message"].as_str())
            .unwrap_or("no pod is available yet");
        let message = format!("{key}: {ready} of {desired} pods are ready: {why}");
        Report::new(ComponentState::InProgress, "DeploymentNotReady", message)
    };
    report.desired = Some(desired);
    report.ready = Some(ready);
    report
}

/// Whether the status is about the specification as it is now.
fn is_observed(live: &DynamicObject) -> bool {
    let observed = live.data["status"]["observedGeneration"].as_i64();
    observed.is_some() && observed >= live.metadata.generation
}
