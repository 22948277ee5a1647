//! Objects of ours that cannot be read, on a real API server whose schemas let them pass: they stop nothing else. And a
//! kind of ours that cannot even be listed.

use std::path::Path;

use crate::support::world::exists;
use crate::support::{ControlPlane, Manager, World, eventually};
use k8s_openapi::api::apps::v1::DaemonSet;
use kube::api::Api;
use serde_json::json;

/// Lets everything pass that is an object.
fn loosen(world: &World, definition: &str) {
    let (schema, _) = world.plane.kubectl(&[
        "get",
        "crd",
        definition,
        "-o=jsonpath={.spec.versions[*].name}",
    ]);
    let anything = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let changes: Vec<_> = (0..schema.split_whitespace().count())
        .map(|index| {
            let path = format!("/spec/versions/{index}/schema/openAPIV3Schema");
            json!({"op": "replace", "path": path, "value": anything})
        })
        .collect();
    let patch = json!(changes).to_string();
    let (_, errors) =
        world
            .plane
            .kubectl(&["patch", "crd", definition, "--type=json", "-p", &patch]);
    assert_eq!(errors, "");
}

/// Applies a file until the API server takes it: a looser schema is in force a moment later.
async fn apply(world: &World, object: serde_json::Value) {
    let file = world.plane.folder().join("loose.json");
    std::fs::write(&file, object.to_string()).unwrap();
    let file = file.display().to_string();
    eventually("the object is taken", async || {
        let (_, errors) =
            world
                .plane
                .kubectl(&["apply", "--server-side", "--force-conflicts", "-f", &file]);
        errors.is_empty().then_some(()).ok_or(errors)
    })
    .await;
}

fn collector(namespace: &serde_json::Value) -> serde_json::Value {
    json!({"apiVersion": "flows.netobserv.io/v1beta2", "kind": "FlowCollector", "metadata": {"name": "cluster"},
        "spec": {"namespace": namespace}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_named_and_the_others_work() {
    let Some(world) = World::start().await else {
        return;
    };
    loosen(&world, "flowmetrics.flows.netobserv.io");
    let metric = json!({"apiVersion": "flows.netobserv.io/v1alpha1", "kind": "FlowMetric",
        "metadata": {"name": "broken", "namespace": "default"}, "spec": {"metricName": {"no": "text"}}});
    apply(&world, metric).await;
    world.create_collector(json!({})).await;
    let agents = world.namespaced::<DaemonSet>("netobserv-privileged");
    exists(&agents, "netobserv-ebpf-agent").await;
    eventually("the status names it", async || {
        let failures = world.failures().await;
        (failures.contains("FlowMetric default/broken cannot be read"))
            .then_some(())
            .ok_or(failures)
    })
    .await;

    loosen(&world, "flowcollectors.flows.netobserv.io");
    apply(&world, collector(&json!({"no": "text"}))).await;
    let reason = "-o=jsonpath={.status.conditions[?(@.type==\"Ready\")].reason}";
    let reason_is = async |is_invalid: bool| {
        eventually("the condition", async || {
            let (found, errors) = world
                .plane
                .kubectl(&["get", "flowcollector", "cluster", reason]);
            ((found == "InvalidConfiguration") == is_invalid && !found.is_empty())
                .then_some(())
                .ok_or(format!("{found} {errors}"))
        })
        .await;
    };
    reason_is(true).await;
    exists(&agents, "netobserv-ebpf-agent").await;
    apply(&world, collector(&json!("netobserv"))).await;
    reason_is(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_of_ours_that_cannot_be_listed_is_named_and_nothing_is_changed_meanwhile() {
    let Some(plane) = ControlPlane::start().await else {
        return;
    };
    plane.install().await;
    let name = "flowcollectorslices.flows.netobserv.io";
    let (_, errors) = plane.kubectl(&["delete", "crd", name]);
    assert_eq!(errors, "");
    let manager = Manager::start(&plane.manager_kubeconfig().await).await;
    let collectors = Api::all(plane.client.clone());
    let world = World {
        manager,
        collectors,
        plane,
    };
    world.create_collector(json!({})).await;
    let message = world
        .reason("WaitingFlowCollectorController", "CannotList")
        .await;
    assert!(message.contains("FlowCollectorSlice"), "{message}");
    assert_eq!(world.reason("Ready", "Failure").await, message);
    let agents = world.namespaced::<DaemonSet>("netobserv-privileged");
    let made = agents.get_opt("netobserv-ebpf-agent").await.unwrap();
    assert!(made.is_none());

    let definitions = Path::new(env!("CARGO_MANIFEST_DIR")).join("contracts/crds");
    let file = definitions.join("flows.netobserv.io_flowcollectorslices.yaml");
    let (_, errors) =
        world
            .plane
            .kubectl(&["apply", "--server-side", "-f", &file.display().to_string()]);
    assert_eq!(errors, "");
    exists(&agents, "netobserv-ebpf-agent").await;
    world
        .reason("WaitingFlowCollectorController", "Ready")
        .await;
}
