//! Workloads and their pods.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::core::DynamicObject;
use serde_json::{Value, json};

use super::{container, pod, status_of};
use crate::apis::flowcollector::v1beta2::FlowCollectorSpec;
use crate::apis::flowcollector::v1beta2::status::ComponentState::{InProgress, Ready};
use crate::desired::Component;
use crate::object::Key;
use crate::status::{Issues, Observation, Report, Unhealthy, compute, observe, observe_detached};

fn workload(kind: &str, live: Option<Value>) -> Option<Report> {
    let key = Key::namespaced(kind, "apps", "n", "w");
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
         1 OOMKilled (d); 1 PendingScheduling (g): no node; 1 PodFailed (f): evicted; \
         name images that the nodes can pull in RELATED_IMAGE_... of the manager's Deployment, or in the chart's values"
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

/// What Kubernetes calls ready though nothing runs, and how the status says so.
#[test]
fn a_long_message_keeps_its_start_and_that_of_an_image_its_end_too() {
    let image = "registry.example/netobserv/netobserv-ebpf-agent:v1";
    let message = format!(
        "failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": failed to do request: \
         Head \"https://registry.example/v2/netobserv/netobserv-ebpf-agent/manifests/v1\": connection refused"
    );
    for (reason, has_end) in [("ErrImagePull", true), ("CreateContainerError", false)] {
        let waiting = json!({"waiting": {"reason": reason, "message": message}});
        let summary = Unhealthy::of(&[pod("p", &container(&waiting, &json!({}), 0))]).summary();
        assert!(
            summary.contains(&format!(" image \"{image}\": ")),
            "{summary}"
        );
        assert_eq!(summary.contains("connection refused"), has_end, "{summary}");
        let (_, said) = summary.split_once("(p): ").unwrap();
        let said = said.split("; ").next().unwrap();
        assert_eq!(said.chars().count(), 203, "{said}");
    }
}

#[test]
fn pods_that_a_policy_forbids_are_told_with_its_words() {
    let condition =
        |kind, status, message| json!({"type": kind, "status": status, "message": message});
    for (status, expected) in [
        ("True", "w: 0 of 3 pods are ready: pods \"p\" is forbidden"),
        ("False", "w: 0 of 3 pods are ready: none is available"),
    ] {
        let conditions = [
            condition("Available", "False", "none is available"),
            condition("ReplicaFailure", status, "pods \"p\" is forbidden"),
        ];
        let live = json!({"spec": {"replicas": 3}, "status": {"observedGeneration": 1, "conditions": conditions}});
        let message = workload("Deployment", Some(live)).unwrap().message;
        assert!(message.ends_with(expected), "{message}");
    }
}

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
        let key = Key::namespaced(kind, "apps", "n", "a");
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
    let key = Key::namespaced("Deployment", "apps", "n", "a");
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
