//! What others say and the console is told: a LokiStack that comes, gets better and goes, and a PrometheusRule of a user.

use crate::support::control_plane::{NAMESPACE, create, parse};
use crate::support::{World, eventually};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::{Value, json};

fn dynamic(world: &World, namespace: &str, [group, kind, plural]: [&str; 3]) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk(group, "v1", kind);
    let resource = ApiResource::from_gvk_with_plural(&kind, plural);
    Api::namespaced_with(world.plane.client.clone(), namespace, &resource)
}

/// All LokiStacks of a namespace.
pub fn stacks(world: &World, namespace: &str) -> Api<DynamicObject> {
    dynamic(
        world,
        namespace,
        ["loki.grafana.com", "LokiStack", "lokistacks"],
    )
}

/// A LokiStack in a state.
pub fn stack(name: &str, status: &Value) -> DynamicObject {
    parse(
        json!({"apiVersion": "loki.grafana.com/v1", "kind": "LokiStack",
        "metadata": {"name": name}, "status": status}),
    )
}

/// Waits until the console's configuration says something.
async fn told(world: &World, what: &str, is_told: impl Fn(&Value) -> bool) {
    let configs: Api<ConfigMap> = world.namespaced(NAMESPACE);
    eventually(what, async || {
        let config = configs
            .get("console-plugin-config")
            .await
            .map_err(|error| error.to_string())?;
        let text = config.data.unwrap_or_default()["config.yaml"].clone();
        let config: Value = serde_saphyr::from_str(&text).unwrap();
        is_told(&config)
            .then_some(())
            .ok_or_else(|| config["loki"].to_string())
    })
    .await;
}

/// Makes the cluster one that has LokiStacks.
pub async fn serve_lokistacks(world: &World) {
    let definitions: Api<CustomResourceDefinition> = Api::all(world.plane.client.clone());
    let definition = json!({
        "metadata": {"name": "lokistacks.loki.grafana.com"},
        "spec": {"group": "loki.grafana.com", "scope": "Namespaced",
            "names": {"kind": "LokiStack", "plural": "lokistacks"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {
                "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]},
    });
    create(&definitions, &parse(definition)).await;
    let stacks = stacks(world, NAMESPACE);
    eventually("LokiStacks are served", async || {
        let listed = stacks.list(&ListParams::default()).await;
        listed.map(drop).map_err(|error| error.to_string())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_console_is_told_what_a_lokistack_and_a_users_rule_say() {
    let Some(world) = World::start_on(&["monitoring.coreos.com"]).await else {
        return;
    };
    let condition = "WaitingLokiStack";
    let spec = json!({"loki": {"mode": "LokiStack", "lokiStack": {"name": "ls"}}});
    world.create_collector(spec).await;
    world.reason(condition, "LokiStackAPIMissing").await;
    told(&world, "the question to the stack", |config| {
        config["loki"]["statusUrl"].is_string() && config["loki"].get("status").is_none()
    })
    .await;

    serve_lokistacks(&world).await;
    let message = world.reason(condition, "CantFetchLokiStack").await;
    assert!(message.contains("netobserv/ls"), "{message}");

    let stacks = stacks(&world, NAMESPACE);
    let pending =
        json!({"conditions": [{"type": "Ready", "status": "False", "message": "pods start"}]});
    create(&stacks, &stack("ls", &pending)).await;
    let message = world.reason(condition, "LokiStackNotReady").await;
    assert_eq!(message, "LokiStack netobserv/ls: Ready: pods start");
    let says = |status: &'static str| move |config: &Value| config["loki"]["status"] == status;
    told(&world, "a pending stack", says("pending")).await;

    let ready = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    stacks
        .patch("ls", &PatchParams::default(), &Patch::Merge(ready))
        .await
        .unwrap();
    told(&world, "a ready stack", says("ready")).await;
    world.reason(condition, "Ready").await;

    stacks.delete("ls", &DeleteParams::default()).await.unwrap();
    world.reason(condition, "CantFetchLokiStack").await;

    let rules = dynamic(
        &world,
        NAMESPACE,
        ["monitoring.coreos.com", "PrometheusRule", "prometheusrules"],
    );
    let rule = json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule",
        "metadata": {"name": "mine", "labels": {"netobserv": "true"},
            "annotations": {"netobserv.io/network-health": r#"{"mine": {"summary": "s"}}"#}},
        "spec": {"groups": [{"name": "g", "rules": [
            {"record": "mine", "expr": "1", "labels": {"netobserv": "true"}}]}]}});
    create(&rules, &parse(rule)).await;
    told(&world, "the words about a recorded series", |config| {
        config["frontend"]["recordingAnnotations"]["mine"] == json!({"summary": "s"})
    })
    .await;
    world.settle().await;

    world
        .merge(json!({"spec": {"loki": {"mode": "Embedded"}}}))
        .await;
    world.reason(condition, "ComponentUnused").await;
    told(&world, "the built-in store", |config| {
        config["store"]["path"].is_string() && config.get("loki").is_none()
    })
    .await;
    world.settle().await;
}
