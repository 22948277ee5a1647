//! Pods of the three components: what the API server or a node would refuse, long after the FlowCollector was stored.

use k8s_openapi::api::core::v1::{ResourceRequirements, Toleration};

use super::Subject;
use crate::apis::flowcollector::v1beta2::shared::{Hpa, HpaStatus, Scheduling};
use crate::apis::validation::Findings;
use crate::object::quantity;

/// Operators of a toleration; the last two compare numbers.
const OPERATORS: [&str; 5] = ["", "Exists", "Equal", "Lt", "Gt"];
/// Effects of a taint; the first stands for all.
const EFFECTS: [&str; 4] = ["", "NoSchedule", "PreferNoSchedule", "NoExecute"];

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let effective = &subject.effective;
    let (agent, processor, console) = (&effective.agent, &effective.processor, &effective.console);
    let console_resources = effective.console_resources();
    for (section, resources) in [
        ("spec.agent.ebpf", agent.resources.as_ref()),
        ("spec.processor", processor.resources.as_ref()),
        ("spec.consolePlugin", console_resources.as_ref()),
    ] {
        let path = format!("{section}.resources");
        check_resources(&path, resources, findings);
    }
    let agent = agent.advanced.as_ref().and_then(|a| a.scheduling.as_ref());
    let advanced = processor.advanced.as_ref();
    let pipeline = advanced.and_then(|a| a.scheduling.as_ref());
    let advanced = console.advanced.as_ref();
    let plugin = advanced.and_then(|a| a.scheduling.as_ref());
    for (section, scheduling) in [
        ("spec.agent.ebpf", agent),
        ("spec.processor", pipeline),
        ("spec.consolePlugin", plugin),
    ] {
        let path = format!("{section}.advanced.scheduling");
        check_tolerations(&path, scheduling, findings);
    }
    let consumers = processor.kafka_consumer_autoscaler.as_ref();
    for (path, autoscaler) in [
        (
            "spec.processor.kafkaConsumerAutoscaler",
            consumers.filter(|_| effective.uses_kafka()),
        ),
        ("spec.consolePlugin.autoscaler", console.autoscaler.as_ref()),
    ] {
        check_autoscaler(path, autoscaler, findings);
    }
}

fn check_resources(path: &str, resources: Option<&ResourceRequirements>, findings: &mut Findings) {
    let limits = resources.and_then(|resources| resources.limits.as_ref());
    let requests = resources.and_then(|resources| resources.requests.as_ref());
    for (kind, quantities) in [("limits", limits), ("requests", requests)] {
        for (name, quantity) in quantities.into_iter().flatten() {
            if quantity::is_negative(&quantity.0) {
                findings.refuse(
                    format!("{path}.{kind}.{name}"),
                    format!("{} is less than 0", quantity.0),
                    "write 0 or more, or remove it",
                );
            }
        }
    }
    for (name, request) in requests.into_iter().flatten() {
        let limit = limits.and_then(|limits| limits.get(name));
        if let Some(limit) = limit
            && quantity::is_greater(&request.0, &limit.0)
        {
            findings.refuse(
                format!("{path}.requests.{name}"),
                format!("{} is more than the limit {}", request.0, limit.0),
                format!("lower it, or raise {path}.limits.{name}"),
            );
        }
    }
}

fn check_tolerations(path: &str, scheduling: Option<&Scheduling>, findings: &mut Findings) {
    let tolerations = scheduling.and_then(|scheduling| scheduling.tolerations.as_ref());
    for (at, toleration) in tolerations.into_iter().flatten().enumerate() {
        let path = format!("{path}.tolerations[{at}]");
        check_toleration(&path, toleration, findings);
    }
}

fn check_toleration(path: &str, toleration: &Toleration, findings: &mut Findings) {
    let operator = toleration.operator.as_deref().unwrap_or_default();
    let effect = toleration.effect.as_deref().unwrap_or_default();
    if !OPERATORS.contains(&operator) {
        findings.refuse(
            format!("{path}.operator"),
            format!("{operator:?} is no operator of a toleration"),
            "use Exists or Equal",
        );
    } else if operator != "Exists" && toleration.key.as_deref().unwrap_or_default().is_empty() {
        findings.refuse(
            format!("{path}.key"),
            "is missing, and only the operator Exists goes without",
            "name the taint, or set the operator to Exists to tolerate all",
        );
    }
    if !EFFECTS.contains(&effect) {
        findings.refuse(
            format!("{path}.effect"),
            format!("{effect:?} is no effect of a taint"),
            "use NoSchedule, PreferNoSchedule or NoExecute, or remove it for all of them",
        );
    }
}

fn check_autoscaler(path: &str, autoscaler: Option<&Hpa>, findings: &mut Findings) {
    let enabled = autoscaler.filter(|hpa| hpa.status == Some(HpaStatus::Enabled));
    let Some(hpa) = enabled else { return };
    for (name, replicas) in [
        ("minReplicas", hpa.min_replicas),
        ("maxReplicas", hpa.max_replicas),
    ] {
        if let Some(replicas) = replicas.filter(|replicas| *replicas < 1) {
            findings.refuse(
                format!("{path}.{name}"),
                format!("{replicas} is less than 1"),
                "set it to 1 or more",
            );
        }
    }
    if let (Some(least), Some(most)) = (hpa.min_replicas, hpa.max_replicas)
        && least > most
    {
        findings.refuse(
            format!("{path}.minReplicas"),
            format!("{least} is more than maxReplicas, {most}"),
            "lower it, or raise maxReplicas",
        );
    }
}
