//! FlowMetrics and slices beside a FlowCollector on a real API server: they come, change and go.

use crate::support::control_plane::{NAMESPACE, create, parse};
use crate::support::world::exists;
use crate::support::{World, eventually};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use netobserv_operator::apis::flowcollectorslice::FlowCollectorSlice;
use netobserv_operator::apis::flowmetric::FlowMetric;
use serde_json::{Value, json};

const ELSEWHERE: &str = "default";

/// The settings that the pipeline reads again by itself.
async fn dynamic(world: &World) -> Result<Value, String> {
    let config_maps: Api<ConfigMap> = world.namespaced(NAMESPACE);
    let config_map = config_maps
        .get("flowlogs-pipeline-config-dynamic")
        .await
        .map_err(|error| error.to_string())?;
    let text = &config_map.data.ok_or("no data")?["config.json"];
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// Part of a dynamic stage; null without the stage.
fn part(config: &Value, stage: &str, pointer: &str) -> Value {
    let stages = config["parameters"].as_array().unwrap();
    let stage = stages.iter().find(|other| other["name"] == stage);
    stage
        .and_then(|stage| stage.pointer(pointer))
        .cloned()
        .unwrap_or_default()
}

/// Waits until a part of a dynamic stage is what it should be.
async fn becomes(world: &World, stage: &str, pointer: &str, expected: Value) {
    eventually(stage, async || {
        let found = part(&dynamic(world).await?, stage, pointer);
        (found == expected)
            .then_some(())
            .ok_or_else(|| found.to_string())
    })
    .await;
}

/// Waits until the metrics have those names and labels.
async fn metrics_become(world: &World, expected: Value) {
    eventually("the metrics", async || {
        let metrics = part(&dynamic(world).await?, "prometheus", "/encode/prom/metrics");
        let metrics = metrics.as_array().cloned().unwrap_or_default();
        let found: Vec<Value> = metrics
            .iter()
            .map(|metric| json!([metric["name"], metric["labels"]]))
            .collect();
        (json!(found) == expected)
            .then_some(())
            .ok_or_else(|| format!("{found:?}"))
    })
    .await;
}

/// `Kind=status/reason` of every condition.
fn reasons(conditions: &[Condition]) -> Vec<String> {
    let conditions = conditions.iter();
    conditions
        .map(|condition| {
            format!(
                "{}={}/{}",
                condition.type_, condition.status, condition.reason
            )
        })
        .collect()
}

async fn metric_is(metrics: &Api<FlowMetric>, name: &str, expected: [&str; 2]) -> FlowMetric {
    eventually(name, async || {
        let metric = metrics.get(name).await.map_err(|error| error.to_string())?;
        let conditions = metric.status.as_ref().map(|status| &status.conditions);
        let found = reasons(conditions.map_or(&[], Vec::as_slice));
        if found == expected {
            Ok(metric)
        } else {
            Err(format!("{found:?}"))
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flowmetric_comes_changes_and_goes_and_a_bad_one_harms_nothing() {
    let Some(world) = World::start().await else {
        return;
    };
    world
        .create_collector(json!({"processor": {"metrics": {"includeList": []}}}))
        .await;
    let metrics: Api<FlowMetric> = world.namespaced(NAMESPACE);
    let metric = |name: &str, spec: Value| -> FlowMetric {
        parse(json!({"metadata": {"name": name}, "spec": spec}))
    };
    let good = json!({"type": "Counter", "labels": ["SrcK8S_Namespace"]});
    create(&metrics, &metric("te-st", good)).await;
    metrics_become(&world, json!([["te_st", ["SrcK8S_Namespace"]]])).await;
    let fine = ["Ready=True/Ready", "CardinalityWarning=False/fine"];
    let seen = metric_is(&metrics, "te-st", fine).await;
    let status = seen.status.unwrap();
    assert_eq!(status.prometheus_name.as_deref(), Some("netobserv_te_st"));
    assert_eq!(status.conditions[0].message, "flowlogs-pipeline configured");
    world.settle().await;
    let pipelines: Api<Deployment> = world.namespaced(NAMESPACE);
    let before = exists(&pipelines, "flowlogs-pipeline").await;

    // A bad one, and one where nobody looks.
    let bad = json!({"type": "Histogram", "buckets": ["much"], "labels": ["SrcAddr"]});
    create(&metrics, &metric("bad", bad)).await;
    let elsewhere: Api<FlowMetric> = world.namespaced(ELSEWHERE);
    create(&elsewhere, &metric("stray", json!({"type": "Counter"}))).await;
    let failed = ["Ready=False/Failure", "CardinalityWarning=True/avoid"];
    let seen = metric_is(&metrics, "bad", failed).await;
    let message = &seen.status.unwrap().conditions[0].message;
    assert!(message.contains("spec.buckets[0]"), "{message}");
    world.settle().await;
    metrics_become(&world, json!([["te_st", ["SrcK8S_Namespace"]]])).await;
    let unused = ["Ready=False/Failure", "CardinalityWarning=False/fine"];
    let seen = metric_is(&elsewhere, "stray", unused).await;
    let message = &seen.status.unwrap().conditions[0].message;
    assert!(message.contains("move it to netobserv"), "{message}");

    // A change reaches the pipeline without a restart.
    let labels = json!({"spec": {"labels": ["SrcK8S_Namespace", "DstPort"]}});
    metrics
        .patch("te-st", &PatchParams::default(), &Patch::Merge(labels))
        .await
        .unwrap();
    metrics_become(&world, json!([["te_st", ["SrcK8S_Namespace", "DstPort"]]])).await;
    let careful = ["Ready=True/Ready", "CardinalityWarning=False/careful"];
    let seen = metric_is(&metrics, "te-st", careful).await;
    let conditions = seen.status.unwrap().conditions;
    assert_eq!(
        conditions[0].observed_generation, seen.metadata.generation,
        "the status is that of the change"
    );
    world.settle().await;
    let after = exists(&pipelines, "flowlogs-pipeline").await;
    assert_eq!(before.metadata.generation, after.metadata.generation);

    // What is mended is made.
    let mended = json!({"spec": {"buckets": ["1"]}});
    metrics
        .patch("bad", &PatchParams::default(), &Patch::Merge(mended))
        .await
        .unwrap();
    metric_is(
        &metrics,
        "bad",
        ["Ready=True/Ready", "CardinalityWarning=True/avoid"],
    )
    .await;
    for name in ["bad", "te-st"] {
        metrics
            .delete(name, &DeleteParams::default())
            .await
            .unwrap();
    }
    metrics_become(&world, json!([])).await;
    world.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slice_comes_and_goes() {
    let Some(world) = World::start().await else {
        return;
    };
    world
        .create_collector(
            json!({"processor": {"slicesConfig": {"enable": true, "collectionMode": "AllowList"}}}),
        )
        .await;
    let rules = "/transform/filter/rules";
    let nothing = json!([{"type": "keep_entry_query", "keepEntryQuery": "with(SrcAddr) and without(SrcAddr)"}]);
    becomes(&world, "filters", rules, nothing.clone()).await;

    let slices: Api<FlowCollectorSlice> = world.namespaced(ELSEWHERE);
    let slice = json!({"metadata": {"name": "mine"}, "spec": {"sampling": 4, "subnetLabels": [
        {"name": "lab", "cidrs": ["192.0.2.0/24", "nonsense"]}]}});
    create(&slices, &parse(slice)).await;
    let query = r#"SrcK8S_Namespace="default" or DstK8S_Namespace="default""#;
    becomes(
        &world,
        "filters",
        rules,
        json!([{"type": "keep_entry_query", "keepEntryQuery": query, "keepEntrySampling": 4}]),
    )
    .await;
    becomes(
        &world,
        "subnets",
        "/transform/network/subnetLabels",
        json!([{"cidrs": ["192.0.2.0/24"], "name": "lab"}]),
    )
    .await;
    let status = eventually("the slice's status", async || {
        let slice = slices
            .get("mine")
            .await
            .map_err(|error| error.to_string())?;
        slice.status.ok_or_else(|| "none yet".to_owned())
    })
    .await;
    assert_eq!(reasons(&status.conditions), ["Ready=False/Failure"]);
    assert!(status.conditions[0].message.contains("cidrs[1]"));
    assert_eq!(status.filter_applied.as_deref(), Some(query));
    assert_eq!(status.subnet_labels_configured, Some(1));
    world.settle().await;

    slices
        .delete("mine", &DeleteParams::default())
        .await
        .unwrap();
    becomes(&world, "filters", rules, nothing).await;
    becomes(&world, "subnets", "", Value::Null).await;
    world.settle().await;
}
