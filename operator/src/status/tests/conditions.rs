//! Conditions, and the reports that they are made of.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::json;

use super::{condition, container, pod, status, status_of};
use crate::apis::flowcollector::v1beta2::FlowCollectorSpec;
use crate::apis::flowcollector::v1beta2::status::ComponentState::{
    Degraded, Failure, InProgress, Ready, Unknown,
};
use crate::apis::flowcollector::v1beta2::status::{ComponentState, FlowCollectorStatus};
use crate::desired::Component;
use crate::status::{Issues, Observation, Report, Unhealthy, compute};

#[test]
fn ready_is_the_worst_of_all_components() {
    for (states, expected) in [
        (vec![Ready, Ready], ("True", "Ready")),
        (vec![Ready, Degraded], ("True", "Ready,Degraded")),
        (vec![Degraded, InProgress], ("False", "Pending")),
        (vec![InProgress, Failure], ("False", "Failure")),
    ] {
        let components = [Component::Agent, Component::Processor];
        let states: Vec<_> = components.into_iter().zip(states).collect();
        let (status, reason) = condition(&status(&states, None, 0), "Ready");
        assert_eq!((status.as_str(), reason.as_str()), expected, "{states:?}");
    }
}

#[test]
fn each_exporter_is_as_the_pipeline_that_feeds_it() {
    let spec: FlowCollectorSpec = serde_json::from_value(json!({"exporters": [
        {"type": "Kafka"}, {"type": "OpenTelemetry"}, {"type": "IPFIX"},
    ]}))
    .unwrap();
    for (state, expected) in [
        (Some(Ready), ("Ready", "Configured", None)),
        (Some(InProgress), ("InProgress", "Why", Some("because"))),
        (Some(Degraded), ("Degraded", "Why", Some("because"))),
        (Some(Failure), ("Failure", "Why", Some("because"))),
        (
            Some(ComponentState::Unused),
            ("Unknown", "Why", Some("because")),
        ),
        (None, ("Unknown", "ComponentUnused", None)),
    ] {
        let states = state.map(|state| (Component::Processor, state));
        let status = status_of(&spec, states.as_slice(), None, 0);
        let exporters = status.integrations.unwrap().exporters.unwrap();
        let found: Vec<_> = exporters
            .iter()
            .map(|exporter| (exporter.name.as_str(), exporter.kind.as_str()))
            .collect();
        let names = [
            ("kafka-export-0", "Kafka"),
            ("opentelemetry-export-1", "OpenTelemetry"),
            ("ipfix-export-2", "IPFIX"),
        ];
        assert_eq!(found, names);
        for exporter in &exporters {
            let reason = exporter.reason.as_deref().unwrap();
            let found = (exporter.state.as_str(), reason, exporter.message.as_deref());
            assert_eq!(found, expected, "{state:?}");
        }
    }
    let none = status(&[(Component::Processor, Ready)], None, 0);
    assert_eq!(none.integrations.unwrap().exporters, None);
}

#[test]
fn kafka_is_as_the_pods_that_read_and_write_it() {
    let spec: FlowCollectorSpec =
        serde_json::from_value(json!({"deploymentModel": "Kafka"})).unwrap();
    let failing = |message: &str| {
        Unhealthy::of(&[pod(
            "p",
            &container(
                &json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}}),
                &json!({}),
                3,
            ),
        )])
    };
    let report = |state, message: &str| Report::new(state, "Why", message);
    for (name, processor, agents, expected) in [
        (
            "it reads",
            report(Ready, ""),
            Unhealthy::default(),
            Some(("True", "Ready", "")),
        ),
        (
            "it starts",
            report(InProgress, "0 of 3"),
            Unhealthy::default(),
            Some(("False", "KafkaPending", "")),
        ),
        (
            "it fails",
            report(Failure, "no certificate"),
            Unhealthy::default(),
            Some(("False", "KafkaIssue", "Transformer: no certificate")),
        ),
        (
            "it works in part",
            report(Degraded, "no topic"),
            Unhealthy::default(),
            Some(("False", "KafkaIssue", "Transformer: no topic")),
        ),
        (
            "agents cannot write",
            report(Ready, ""),
            failing("cannot reach Kafka"),
            Some((
                "False",
                "KafkaIssue",
                "Agents: 1 CrashLoopBackOff (p): cannot reach Kafka",
            )),
        ),
        (
            "agents fail for another reason",
            report(Ready, ""),
            failing("no memory"),
            Some(("True", "Ready", "")),
        ),
        (
            "nothing is known",
            report(Unknown, ""),
            Unhealthy::default(),
            None,
        ),
    ] {
        let agent = Report {
            unhealthy: agents,
            ..report(Ready, "")
        };
        let reports =
            BTreeMap::from([(Component::Processor, processor), (Component::Agent, agent)]);
        let find = |spec: &FlowCollectorSpec| {
            let status = compute(&Observation {
                spec,
                generation: Some(3),
                reports: &reports,
                issues: &Issues::default(),
                previous: None,
                now: Time(Timestamp::UNIX_EPOCH),
            });
            let mut conditions = status.conditions.into_iter();
            conditions.find(|condition| condition.type_ == "KafkaReady")
        };
        let found = find(&spec);
        let found = found.as_ref().map(|condition| {
            let texts = (&condition.status, &condition.reason, &condition.message);
            (texts.0.as_str(), texts.1.as_str(), texts.2.as_str())
        });
        assert_eq!(found, expected, "{name}");
        assert_eq!(
            find(&FlowCollectorSpec::default()),
            None,
            "{name}, without Kafka"
        );
    }
}

#[test]
fn a_part_waits_with_its_own_reason() {
    let states = [
        (Component::Agent, Ready),
        (Component::Processor, Failure),
        (Component::Monitoring, Unknown),
    ];
    let status = status(&states, None, 0);
    for (kind, expected) in [
        ("WaitingEBPFAgents", ("False", "Ready")),
        ("WaitingFLPMonolith", ("True", "Why")),
        ("WaitingFLPTransformer", ("Unknown", "ComponentUnused")),
        ("WaitingMonitoring", ("Unknown", "Unknown")),
        ("WaitingWebConsole", ("Unknown", "ComponentUnused")),
        ("ConfigurationIssue", ("False", "Valid")),
    ] {
        let (status, reason) = condition(&status, kind);
        assert_eq!((status.as_str(), reason.as_str()), expected, "{kind}");
    }
}

#[test]
fn a_condition_keeps_its_time_until_its_status_changes() {
    let first = status(&[(Component::Agent, InProgress)], None, 100);
    let same = status(&[(Component::Agent, InProgress)], Some(&first), 200);
    assert_eq!(first, same, "an unchanged status is not written again");
    let changed = status(&[(Component::Agent, Ready)], Some(&first), 300);
    let time = |status: &FlowCollectorStatus, kind: &str| {
        let condition = status
            .conditions
            .iter()
            .find(|condition| condition.type_ == kind)
            .unwrap();
        condition.last_transition_time.0.as_second()
    };
    assert_eq!(time(&changed, "Ready"), 300);
    assert_eq!(time(&changed, "ConfigurationIssue"), 100);
}

#[test]
fn the_worse_of_two_reports_is_shown_and_pods_add_up() {
    let mut report = Report {
        desired: Some(2),
        ready: Some(2),
        ..Report::new(Ready, "Ready", "")
    };
    report.merge(Report {
        desired: Some(3),
        ready: Some(1),
        ..Report::new(InProgress, "DeploymentNotReady", "1 of 3")
    });
    report.merge(Report::new(Degraded, "InvalidConfiguration", "no"));
    assert_eq!(
        (report.state, report.reason.as_str()),
        (InProgress, "DeploymentNotReady")
    );
    assert_eq!((report.desired, report.ready), (Some(5), Some(3)));
    report.merge(Report::new(InProgress, "DaemonSetNotReady", "0 of 1"));
    assert_eq!(report.message, "1 of 3; 0 of 1");
}

/// The store is a part of the console, and no demo Loki.
#[test]
fn the_built_in_store_is_told_of_with_the_console() {
    let kept = Report::new(Degraded, "KeptAsItIs", "cannot shrink");
    let starts = Report::new(InProgress, "DeploymentNotReady", "0 of 1");
    let reports = BTreeMap::from([(Component::Console, starts), (Component::Loki, kept)]);
    for (loki, demo, console, ready) in [
        (
            json!({"mode": "Embedded"}),
            ("Unknown", "ComponentUnused", ""),
            ("True", "DeploymentNotReady", "0 of 1; cannot shrink"),
            "0 ready components, 0 with failure, 1 pending, 0 degraded",
        ),
        (
            json!({"mode": "Monolithic", "monolithic": {"installDemoLoki": true}}),
            ("True", "KeptAsItIs", "cannot shrink"),
            ("True", "DeploymentNotReady", "0 of 1"),
            "0 ready components, 0 with failure, 1 pending, 1 degraded",
        ),
    ] {
        let spec: FlowCollectorSpec = serde_json::from_value(json!({"loki": loki})).unwrap();
        let status = compute(&Observation {
            spec: &spec,
            generation: None,
            reports: &reports,
            issues: &Issues::default(),
            previous: None,
            now: Time(Timestamp::UNIX_EPOCH),
        });
        let find = |kind: &str| {
            let mut all = status.conditions.iter();
            let found = all.find(|condition| condition.type_ == kind).unwrap();
            (
                found.status.as_str(),
                found.reason.as_str(),
                found.message.as_str(),
            )
        };
        assert_eq!(find("WaitingDemoLoki"), demo, "{loki}");
        assert_eq!(find("WaitingWebConsole"), console, "{loki}");
        assert_eq!(find("Ready").2, ready, "{loki}");
        let store = status.integrations.unwrap().loki.unwrap();
        assert_eq!(store.message.as_deref(), Some("cannot shrink"));
    }
}
