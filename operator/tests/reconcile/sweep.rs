//! Every property of the specification is set and taken back: its state is reached both times, without an error that
//! stays and without a write that repeats. `make sweep` goes through all of them, a test through a sample.

use super::lokistack::{serve_lokistacks, stack, stacks};
use crate::support::control_plane::{NAMESPACE, create, parse};
use crate::support::properties;
use crate::support::{Snapshot, World};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};

/// `all`, or a part of the paths: no sample.
const VARIABLE: &str = "SWEEP";
/// One in this many properties is the sample.
const STRIDE: usize = 40;

/// Why a property is not as it should be.
async fn problem(world: &World, path: &str, spec: &Value, before: &Snapshot) -> Option<String> {
    if path == "spec.namespace" {
        // It cannot change.
        return None;
    }
    let given = world.collectors.get("cluster").await.unwrap();
    let given = serde_json::to_value(given.spec).unwrap();
    let patched = world
        .collectors
        .patch(
            "cluster",
            &PatchParams::default(),
            &Patch::Merge(json!({"spec": spec})),
        )
        .await;
    if let Err(error) = patched {
        return Some(format!("refused: {error}"));
    }
    world.settle().await;
    let (_, ready, message) = world.condition("Ready").await.unwrap();
    let (_, issue, _) = world.condition("ConfigurationIssue").await.unwrap();
    let details = world.failures().await;
    let back = json!([{"op": "replace", "path": "/spec", "value": given}]);
    let back = serde_json::from_value(back).unwrap();
    world
        .collectors
        .patch("cluster", &PatchParams::default(), &Patch::<()>::Json(back))
        .await
        .unwrap();
    world.settle().await;
    // What admission refuses need not work.
    if ready == "Failure" && issue != "Error" {
        return Some(format!("{message}: {details}"));
    }
    let traces = Snapshot::ours(&world.plane.client).await.traces(before);
    (!traces.is_empty()).then(|| format!("leaves a trace: {traces:?}"))
}

/// Generated references name these, and these keys; one of their namespaces is another one. What belongs to a LokiStack
/// is there with it.
async fn add_what_references_name(world: &World) {
    let namespaces: Api<Namespace> = Api::all(world.plane.client.clone());
    create(&namespaces, &parse(json!({"metadata": {"name": "other"}}))).await;
    let data = json!({"tls.crt": "of others", "tls.key": "of others", "other": "of others",
        "service-ca.crt": "of others"});
    serve_lokistacks(world).await;
    let ready = json!({"conditions": [{"type": "Ready", "status": "True"}]});
    for (namespace, name) in [(NAMESPACE, "other"), ("other", "elsewhere")] {
        create(&stacks(world, namespace), &stack(name, &ready)).await;
        let named = |suffix: &str| json!({"name": format!("{name}{suffix}")});
        for suffix in ["", "-query-frontend-http"] {
            let secret = json!({"metadata": named(suffix), "stringData": data});
            create(&world.namespaced::<Secret>(namespace), &parse(secret)).await;
        }
        for suffix in ["", "-gateway-ca-bundle", "-ca-bundle"] {
            let config = json!({"metadata": named(suffix), "data": data});
            create(&world.namespaced::<ConfigMap>(namespace), &parse(config)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_property_reaches_its_state_and_is_taken_back() {
    let Some(world) = World::start_on(&["monitoring.coreos.com", "bpfman.io"]).await else {
        return;
    };
    let mut chosen = properties::all();
    match std::env::var(VARIABLE).as_deref() {
        Ok("all") => {}
        Ok(part) => chosen.retain(|property| property.path.contains(part)),
        Err(_) => chosen = chosen.into_iter().step_by(STRIDE).collect(),
    }
    add_what_references_name(&world).await;
    world.create_collector(json!({})).await;
    world.settle().await;
    let before = Snapshot::ours(&world.plane.client).await;
    let mut problems = Vec::new();
    for property in &chosen {
        if let Some(problem) = problem(&world, &property.path, &property.spec, &before).await {
            println!("{}: {problem}", property.path);
            problems.push(format!("{}: {problem}", property.path));
        }
    }
    println!("{} properties", chosen.len());
    assert!(problems.is_empty(), "{problems:#?}");
}
