#![allow(clippy::unwrap_used, reason = "tests")]
use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::core::DynamicObject;
use serde_json::{Value, json};

use super::{
    Issues, Observation, Report, Unhealthy, compute, flow_metric, observe, observe_detached, slice,
};
use crate::apis::flowcollector::v1beta2::FlowCollectorSpec;
use crate::apis::flowcollector::v1beta2::status::{ComponentState, FlowCollectorStatus};
use crate::apis::flowcollectorslice::FlowCollectorSliceStatus;
use crate::apis::flowmetric::fields::Cardinality;
use crate::desired::{Component, MetricOutcome, SliceOutcome};
use crate::object::Key;

use ComponentState::{Degraded, Failure, InProgress, Ready, Unknown};

fn status(
    states: &[(Component, ComponentState)],
    previous: Option<&FlowCollectorStatus>,
    second: i64,
) -> FlowCollectorStatus {
    status_of(&FlowCollectorSpec::default(), states, previous, second)
}

fn status_of(
    spec: &FlowCollectorSpec,
    states: &[(Component, ComponentState)],
    previous: Option<&FlowCollectorStatus>,
    second: i64,
) -> FlowCollectorStatus {
    let reports: BTreeMap<Component, Report> = states
        .iter()
        .map(|(component, state)| (*component, Report::new(*state, "Why", "because")))
        .collect();
    compute(&Observation {
        spec,
        generation: Some(3),
        reports: &reports,
        issues: &Issues::default(),
        previous,
        now: Time(Timestamp::from_second(second).unwrap()),
    })
}

fn condition(status: &FlowCollectorStatus, kind: &str) -> (String, String) {
    let condition = status
        .conditions
        .iter()
        .find(|condition| condition.type_ == kind)
        .unwrap();
    (condition.status.clone(), condition.reason.clone())
}

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

fn workload(kind: &str, live: Option<Value>) -> Option<Report> {
    let key = Key {
        kind: kind.to_owned(),
        group: "apps".to_owned(),
        namespace: Some("n".to_owned()),
        name: "w".to_owned(),
    };
    let live: Option<DynamicObject> = live.map(|live| serde_json::from_value(live).unwrap());
    observe(&key, live.as_ref())
}

#[test]
fn the_state_of_a_workload_is_what_its_status_says() {
    let available = |status: &str| json!([{"type": "Available", "status": status, "message": "m"}]);
    for (kind, live, expected) in [
        ("Deployment", None, (InProgress, "DeploymentNotCreated")),
        (
            "Deployment",
            Some(json!({"spec": {"replicas": 2}})),
            (InProgress, "CreatingDeployment"),
        ),
        (
            "Deployment",
            Some(
                json!({"spec": {"replicas": 2}, "status": {"observedGeneration": 1, "conditions": available("False")}}),
            ),
            (InProgress, "DeploymentNotReady"),
        ),
        (
            "Deployment",
            Some(
                json!({"spec": {"replicas": 2}, "status": {"observedGeneration": 1, "readyReplicas": 2, "conditions": available("True")}}),
            ),
            (Ready, "Ready"),
        ),
        (
            "Deployment",
            Some(
                json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 1, "conditions": available("True")}}),
            ),
            (InProgress, "CreatingDeployment"),
        ),
        (
            "DaemonSet",
            Some(json!({"status": {}})),
            (InProgress, "CreatingDaemonSet"),
        ),
        (
            "DaemonSet",
            Some(
                json!({"status": {"observedGeneration": 1, "desiredNumberScheduled": 3, "numberReady": 2}}),
            ),
            (InProgress, "DaemonSetNotReady"),
        ),
        (
            "DaemonSet",
            Some(
                json!({"status": {"observedGeneration": 1, "desiredNumberScheduled": 3, "numberReady": 3}}),
            ),
            (Ready, "Ready"),
        ),
    ] {
        let report = workload(kind, live.clone()).unwrap();
        assert_eq!(
            (report.state, report.reason.as_str()),
            expected,
            "{kind} {live:?}"
        );
    }
    assert_eq!(workload("Service", None), None);
}

fn pod(name: &str, status: &Value) -> Pod {
    serde_json::from_value(json!({"metadata": {"name": name}, "status": status})).unwrap()
}

fn container(state: &Value, last: &Value, restarts: i32) -> Value {
    json!({"containerStatuses": [{
        "name": "c", "image": "i", "imageID": "", "ready": false, "restartCount": restarts, "state": state, "lastState": last,
    }]})
}

#[test]
fn failing_pods_are_grouped_by_cause() {
    let waiting = |reason: &str| {
        container(
            &json!({"waiting": {"reason": reason, "message": "m"}}),
            &json!({}),
            0,
        )
    };
    let running = json!({"running": {}});
    let pods: Vec<Pod> = [
        ("fine", json!({"phase": "Running"})),
        ("starting", waiting("ContainerCreating")),
        ("b", waiting("CrashLoopBackOff")),
        ("a", waiting("CrashLoopBackOff")),
        ("c", waiting("ErrImagePull")),
        ("d", container(&running, &json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}}), 1)),
        ("e", container(&running, &json!({}), 11)),
        ("often", container(&running, &json!({}), 10)),
        ("f", json!({"phase": "Failed", "message": "evicted"})),
        ("g", json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "message": "no node"}]})),
    ]
    .into_iter()
    .map(|(name, status)| pod(name, &status))
    .collect();
    let unhealthy = Unhealthy::of(&pods);
    assert_eq!(unhealthy.count(), 7);
    assert_eq!(
        unhealthy.summary(),
        "2 CrashLoopBackOff (a, b): m; 1 FrequentRestarts (e): 11 restarts; 1 ImagePullError (c): m; \
         1 OOMKilled (d); 1 PendingScheduling (g): no node; 1 PodFailed (f): evicted"
    );
    let many: Vec<Pod> = (0..7)
        .map(|index| pod(&format!("p{index}"), &waiting("Error")))
        .collect();
    let mut many = Unhealthy::of(&many);
    let seven = "7 Error (p0, p1, p2, p3, p4) and 2 more: m";
    assert_eq!(many.summary(), seven);
    let mut first = Unhealthy::default();
    first.leave_out_after(500);
    many.merge(first);
    let expected = format!("{seven}; only the first 500 pods were looked at");
    assert_eq!(many.summary(), expected);
}

#[test]
fn a_flowmetric_says_whether_it_is_made_and_how_many_series_it_makes() {
    let time = |second| Time(Timestamp::from_second(second).unwrap());
    let outcome = |problem: Option<&str>, cardinality| MetricOutcome {
        namespace: "netobserv".to_owned(),
        name: "m".to_owned(),
        prometheus_name: "netobserv_m".to_owned(),
        problem: problem.map(str::to_owned),
        cardinality,
        details: "details".to_owned(),
    };
    for (problem, cardinality, expected) in [
        (
            None,
            Cardinality::Fine,
            [("True", "Ready"), ("False", "fine")],
        ),
        (
            None,
            Cardinality::Careful,
            [("True", "Ready"), ("False", "careful")],
        ),
        (
            Some("why"),
            Cardinality::Avoid,
            [("False", "Failure"), ("True", "avoid")],
        ),
        (
            Some("why"),
            Cardinality::Unknown,
            [("False", "Failure"), ("True", "unknown")],
        ),
    ] {
        let outcome = outcome(problem, cardinality);
        let status = flow_metric(&outcome, None, Some(2), &time(5));
        let found: Vec<_> = status
            .conditions
            .iter()
            .map(|condition| (condition.status.as_str(), condition.reason.as_str()))
            .collect();
        assert_eq!(found, expected);
        let message = &status.conditions[0].message;
        assert_eq!(message, problem.unwrap_or("flowlogs-pipeline configured"));
        // Said again later, it is the same, so that it is not written.
        let again = flow_metric(&outcome, Some(&status), Some(2), &time(9));
        assert_eq!(again, status);
    }
}

#[test]
fn a_slice_warns_of_overlaps_only_while_there_are_any() {
    let now = Time(Timestamp::from_second(5).unwrap());
    let mut outcome = SliceOutcome {
        is_read: true,
        overlaps: "a range".to_owned(),
        labels: 2,
        ..SliceOutcome::default()
    };
    let kinds = |status: &FlowCollectorSliceStatus| -> Vec<String> {
        let conditions = status.conditions.iter();
        conditions
            .map(|condition| {
                format!(
                    "{}={}/{}",
                    condition.type_, condition.status, condition.reason
                )
            })
            .collect()
    };
    let status = slice(&outcome, None, Some(1), &now);
    assert_eq!(
        kinds(&status),
        ["Ready=True/Ready", "SubnetWarning=True/SubnetOverlap"]
    );
    assert_eq!(status.subnet_labels_configured, Some(2));
    outcome.overlaps.clear();
    outcome.problems = vec!["one".to_owned(), "two".to_owned()];
    let status = slice(&outcome, Some(&status), Some(1), &now);
    assert_eq!(kinds(&status), ["Ready=False/Failure"]);
    assert_eq!(status.conditions[0].message, "one; two");
    outcome.is_read = false;
    let status = slice(&outcome, Some(&status), Some(1), &now);
    assert_eq!(kinds(&status), ["Ready=False/SlicesDisabled"]);
    assert_eq!(status.subnet_labels_configured, None);
}

/// What Kubernetes calls ready though nothing runs, and how the status says so.
#[test]
fn ready_says_when_nothing_runs() {
    let daemon_set = |scheduled: i32| json!({"status": {"observedGeneration": 1, "desiredNumberScheduled": scheduled, "numberReady": scheduled}});
    let deployment = |replicas: i32| {
        let status = json!({"observedGeneration": 1, "readyReplicas": replicas,
            "conditions": [{"type": "Available", "status": "True"}]});
        json!({"spec": {"replicas": replicas}, "status": status})
    };
    let nodes = "no node runs a pod of DaemonSet n/a";
    for (component, kind, live, expected) in [
        (Component::Agent, "DaemonSet", daemon_set(0), Some(nodes)),
        (Component::Agent, "DaemonSet", daemon_set(2), None),
        (
            Component::Processor,
            "Deployment",
            deployment(0),
            Some("no pod of Deployment n/a runs: it has 0 replicas"),
        ),
        (Component::Processor, "Deployment", deployment(1), None),
    ] {
        let key = Key {
            kind: kind.to_owned(),
            group: "apps".to_owned(),
            namespace: Some("n".to_owned()),
            name: "a".to_owned(),
        };
        let mut object: DynamicObject = serde_json::from_value(live.clone()).unwrap();
        object.metadata.generation = Some(1);
        let report = observe(&key, Some(&object)).unwrap();
        let reports = BTreeMap::from([(component, report)]);
        let (spec, issues) = (FlowCollectorSpec::default(), Issues::default());
        let status = compute(&Observation {
            spec: &spec,
            generation: Some(1),
            reports: &reports,
            issues: &issues,
            previous: None,
            now: Time(Timestamp::UNIX_EPOCH),
        });
        let ready = &status.conditions[0];
        assert_eq!(
            (ready.type_.as_str(), ready.status.as_str()),
            ("Ready", "True")
        );
        let start = "1 ready components, 0 with failure, 0 pending, 0 degraded";
        match expected {
            None => assert_eq!(ready.message, start),
            Some(text) => assert!(
                ready.message.starts_with(&format!("{start}; {text}")),
                "{live}: {}",
                ready.message
            ),
        }
    }
    let spec: FlowCollectorSpec =
        serde_json::from_value(json!({"execution": {"mode": "OnHold"}})).unwrap();
    let status = status_of(&spec, &[(Component::Controller, Ready)], None, 0);
    assert!(status.conditions[0].message.contains("; on hold: "));
}

#[test]
fn one_that_was_taken_from_the_operator_says_how_many_pods_are_ready() {
    let live = json!({"metadata": {"generation": 1}, "spec": {"replicas": 1}, "status": {"observedGeneration": 1,
        "conditions": [{"type": "Available", "status": "False", "message": "too few"}]}});
    let key = Key {
        kind: "Deployment".to_owned(),
        group: "apps".to_owned(),
        namespace: Some("n".to_owned()),
        name: "a".to_owned(),
    };
    let report = observe_detached(&key, &serde_json::from_value(live).unwrap()).unwrap();
    assert_eq!(
        (report.state, report.ready, report.desired),
        (Ready, Some(0), Some(1))
    );
    assert!(
        report.message.contains("0 of 1 pods are ready"),
        "{}",
        report.message
    );
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
