//! What is tried again, and told, though nothing in the cluster changes: lost answers, lost writes, and failures.

use crate::support::control_plane::{NAMESPACE, client, create, parse};
use crate::support::cutter::Cutter;
use crate::support::world::exists;
use crate::support::{ControlPlane, Manager, World, eventually};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::api::events::v1::Event;
use kube::ResourceExt as _;
use kube::api::{Api, ListParams, Patch, PatchParams};
use netobserv_operator::apis::flowcollector::FlowCollector;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_never_comes_stops_nothing() {
    let Some(plane) = ControlPlane::start().await else {
        return;
    };
    plane.install().await;
    let kubeconfig = plane.manager_kubeconfig().await;
    let cutter = Cutter::start(client(&kubeconfig).await, plane.folder()).await;
    cutter.allow(usize::MAX);
    // The manager asks whether there is one before it makes one.
    cutter.swallow("/daemonsets/netobserv-ebpf-agent");
    let _manager = Manager::start(cutter.kubeconfig()).await;
    let collectors: Api<FlowCollector> = Api::all(plane.client.clone());
    create(
        &collectors,
        &parse(json!({"metadata": {"name": "cluster"}, "spec": {}})),
    )
    .await;
    let agents: Api<DaemonSet> = Api::namespaced(plane.client.clone(), "netobserv-privileged");
    exists(&agents, "netobserv-ebpf-agent").await;
    assert!(cutter.has_swallowed(), "the manager did not ask");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_that_was_written_on_an_old_version_is_written_anew() {
    let Some(world) = World::start().await else {
        return;
    };
    world
        .create_collector(json!({"execution": {"mode": "OnHold"}}))
        .await;
    world.settle().await;
    // To take the finalizer away makes another version, and on hold the other setting changes no object.
    world
        .merge(json!({
            "metadata": {"finalizers": ["flows.netobserv.io/finalizer"]},
            "spec": {"agent": {"ebpf": {"sampling": 7}}},
        }))
        .await;
    eventually("a status about the newest specification", async || {
        let collector = world.collectors.get("cluster").await.unwrap();
        let conditions = collector.status.map(|status| status.conditions);
        let ready = conditions.iter().flatten().next();
        let observed = ready.and_then(|condition| condition.observed_generation);
        (observed == collector.metadata.generation)
            .then_some(())
            .ok_or_else(|| format!("{observed:?}"))
    })
    .await;
}

/// Refuses all that is done to workloads of ours, with these words.
async fn refuse_workloads(world: &World, words: &str) {
    let rule = json!({"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"],
        "resources": ["daemonsets", "deployments"]});
    let expression =
        "!has(object.metadata.labels) || !('netobserv-managed' in object.metadata.labels)";
    world.plane.refuse(rule, expression, words).await;
    until_refused(world, "daemonset/netobserv-ebpf-agent").await;
}

/// Waits until an object of the agents' namespace cannot be changed.
async fn until_refused(world: &World, object: &str) {
    let label = [
        "label",
        object,
        "--namespace=netobserv-privileged",
        "--dry-run=server",
        "test=probe",
    ];
    eventually("the policy is in force", async || {
        let (_, errors) = world.plane.kubectl(&label);
        errors.contains("denied").then_some(()).ok_or(errors)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_component_that_fails_has_an_event_of_its_own_however_long_the_reason() {
    let Some(world) = World::start().await else {
        return;
    };
    world
        .create_collector(json!({"deploymentModel": "Service"}))
        .await;
    world.settle().await;
    refuse_workloads(&world, &"no workloads today, \u{e4}nd so on ".repeat(60)).await;
    world
        .merge(json!({"spec": {
            "agent": {"ebpf": {"sampling": 7}},
            "processor": {"logLevel": "debug"},
        }}))
        .await;
    let events: Api<Event> = Api::namespaced(world.plane.client.clone(), "default");
    for (action, note) in [
        (
            "ReconcileAgent",
            "Agent: AgentControllerError apply DaemonSet",
        ),
        ("ReconcileProcessor", "Processor: FLPError apply Deployment"),
    ] {
        eventually(action, async || {
            let all = events.list(&ListParams::default()).await.unwrap().items;
            let is_it = |event: &&Event| {
                let text = event.note.as_deref().unwrap_or_default();
                event.action.as_deref() == Some(action)
                    && event.reason.as_deref() == Some("ComponentFailure")
                    && text.starts_with(note)
                    && text.ends_with("...")
            };
            let found = all.iter().find(is_it);
            found.map(|_| ()).ok_or_else(|| format!("{all:?}"))
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_certificates_wait_until_every_object_says_whom_to_trust() {
    let Some(world) = World::start().await else {
        return;
    };
    world.create_collector(json!({})).await;
    world.settle().await;
    let rings: Api<Secret> = world.namespaced(NAMESPACE);
    let ring = async || rings.get("netobserv-own-certs").await.unwrap();
    let annotate = async |key: &str, days: i64| {
        let time = Timestamp::now() + SignedDuration::from_hours(24 * days);
        let annotations = json!({"metadata": {"annotations": {key: time.to_string()}}});
        let (parameters, patch) = (PatchParams::default(), Patch::Merge(annotations));
        let patched = rings.patch("netobserv-own-certs", &parameters, &patch);
        patched.await.unwrap();
        // Nobody watches that Secret.
        world
            .merge(json!({"metadata": {"annotations": {"test/asks": key}}}))
            .await;
    };
    let has_next = |ring: &Secret| ring.data.as_ref().unwrap().contains_key("next-ca.crt");
    let announced = "flows.netobserv.io/next-announced";
    let first = ring().await;

    // The next one is due, and one of those who trust it cannot be told.
    let rule = json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"],
        "resources": ["configmaps"]});
    let expression = "object.metadata.name != 'netobserv-ca'";
    world.plane.refuse(rule, expression, "not today").await;
    until_refused(&world, "configmap/netobserv-ca").await;
    annotate("flows.netobserv.io/not-after", 10).await;
    world.reason("Ready", "Failure").await;
    let made = ring().await;
    assert!(has_next(&made));
    assert_eq!(made.annotations().get(announced), None);

    let kind = "validatingadmissionpolicybinding/test";
    let (_, errors) = world.plane.kubectl(&["delete", kind]);
    assert_eq!(errors, "");
    eventually("the next authority is announced", async || {
        let ring = ring().await;
        let is_announced = ring.annotations().contains_key(announced);
        is_announced.then_some(()).ok_or_else(String::new)
    })
    .await;
    let bundles: Api<ConfigMap> = world.namespaced("netobserv-privileged");
    let bundle = exists(&bundles, "netobserv-ca").await.data.unwrap();
    assert_eq!(bundle["service-ca.crt"].matches("BEGIN").count(), 2);
    let value = |ring: &Secret, key: &str| ring.data.as_ref().unwrap()[key].clone();
    assert_eq!(value(&ring().await, "ca.crt"), value(&first, "ca.crt"));

    // An hour later.
    annotate(announced, -1).await;
    eventually("the next certificates are shown", async || {
        let ring = ring().await;
        (!has_next(&ring)).then_some(()).ok_or_else(String::new)
    })
    .await;
    assert_eq!(value(&ring().await, "ca.crt"), value(&made, "next-ca.crt"));
}
