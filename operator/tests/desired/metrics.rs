//! FlowMetrics: what the pipeline is told, and what is told about each.

use crate::support::{desired_beside, find, kubernetes};
use netobserv_operator::desired::Desired;
use serde_json::{Value, json};

/// A FlowMetric of that name in a namespace, made in that minute.
fn metric_in(namespace: &str, name: &str, minute: u32, spec: Value) -> Value {
    json!({"apiVersion": "flows.netobserv.io/v1alpha1", "kind": "FlowMetric",
        "metadata": {"name": name, "namespace": namespace,
            "creationTimestamp": format!("2026-01-01T00:{minute:02}:00Z")},
        "spec": spec})
}

fn metric(name: &str, spec: Value) -> Value {
    metric_in("netobserv", name, 0, spec)
}

fn counter() -> Value {
    json!({"type": "Counter"})
}

/// The metrics the pipeline makes.
fn made(desired: &Desired) -> Vec<Value> {
    let config = find(desired, "ConfigMap", "flowlogs-pipeline-config-dynamic").unwrap();
    let config: Value =
        serde_json::from_str(config["data"]["config.json"].as_str().unwrap()).unwrap();
    let stages = config["parameters"].as_array().unwrap();
    let stage = stages.iter().find(|stage| stage["name"] == "prometheus");
    let metrics = stage.map(|stage| &stage["encode"]["prom"]["metrics"]);
    metrics
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

/// None of the predefined metrics.
fn only_custom() -> Value {
    json!({"processor": {"metrics": {"includeList": []}}})
}

#[test]
fn a_flowmetric_becomes_what_the_worked_example_says() {
    for (spec, expected) in [
        (
            json!({"type": "Histogram", "direction": "Egress", "buckets": ["1", "5"],
                "filters": [{"field": "Proto", "value": "6", "matchType": "Equal"}]}),
            json!({"name": "lat", "type": "histogram",
                "filters": [{"key": "Proto", "value": "6", "type": "equal"},
                    {"key": "FlowDirection", "value": "0", "type": "not_equal"}],
                "valueKey": "", "labels": null, "remap": null, "flatten": null, "buckets": [1, 5]}),
        ),
        (
            json!({"type": "Gauge", "metricName": "rtt", "help": "Why", "direction": "Ingress", "valueField": "TimeFlowRttNs",
                "divider": "1000000000", "labels": ["NetworkEvents>Name", "DstPort"], "flatten": ["NetworkEvents"],
                "remap": {"NetworkEvents>Name": "policy"}, "buckets": ["5", ".5", "5"],
                "filters": [
                    {"field": "A", "matchType": "Presence"}, {"field": "A", "matchType": "Absence"},
                    {"field": "A", "value": "x", "matchType": "NotEqual"},
                    {"field": "A", "value": "x", "matchType": "MatchRegex"},
                    {"field": "A", "value": "$(DstK8S_Zone)", "matchType": "NotMatchRegex"}]}),
            json!({"name": "rtt", "type": "gauge", "help": "Why",
                "filters": [
                    {"key": "Bytes", "value": "", "type": "presence"}, {"key": "Bytes", "value": "", "type": "absence"},
                    {"key": "Bytes", "value": "x", "type": "not_equal"},
                    {"key": "Bytes", "value": "x", "type": "match_regex"},
                    {"key": "Bytes", "value": "$(DstK8S_Zone)", "type": "not_match_regex"},
                    {"key": "FlowDirection", "value": "1", "type": "not_equal"}],
                "valueKey": "TimeFlowRttNs", "labels": ["NetworkEvents>Name", "DstPort"],
                "remap": {"NetworkEvents>Name": "policy"}, "flatten": ["NetworkEvents"],
                "buckets": [0.5, 5], "valueScale": 1_000_000_000}),
        ),
    ] {
        let spec: Value =
            serde_json::from_str(&spec.to_string().replace("\"A\"", "\"Bytes\"")).unwrap();
        let desired = desired_beside(&only_custom(), &kubernetes(), &[metric("lat", spec)], &[]);
        assert_eq!(made(&desired), [expected]);
        assert_eq!(desired.metrics[0].problem, None);
    }
}

#[test]
fn users_metrics_follow_the_predefined_ones_by_name() {
    let spec = json!({"processor": {"metrics": {"includeList": ["node_ingress_bytes_total"]}}});
    let given = [
        metric("z", counter()),
        metric("te-st.x", counter()),
        metric_in("elsewhere", "a", 0, counter()),
    ];
    let desired = desired_beside(&spec, &kubernetes(), &given, &[]);
    let made = made(&desired);
    let names: Vec<_> = made.iter().map(|m| m["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["node_ingress_bytes_total", "te_st_x", "z"]);
    let told: Vec<_> = desired
        .metrics
        .iter()
        .map(|told| (told.name.as_str(), told.prometheus_name.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("a", "netobserv_a"),
            ("te-st.x", "netobserv_te_st_x"),
            ("z", "netobserv_z")
        ]
    );
    let elsewhere = desired.metrics[0].problem.as_deref().unwrap();
    assert!(elsewhere.contains("move it to netobserv"), "{elsewhere}");
}

/// `problem` is a part of what is told about the metric `bad`; the metric `good` is made whatever happens.
fn check_bad(metrics: &[Value], problem: &str) {
    let mut metrics = metrics.to_vec();
    metrics.push(metric("good", counter()));
    let spec = json!({"processor": {"metrics": {"includeList": ["node_ingress_bytes_total"]}}});
    let desired = desired_beside(&spec, &kubernetes(), &metrics, &[]);
    let bad = desired.metrics.iter().find(|told| told.name == "bad");
    let text = bad.unwrap().problem.clone().unwrap_or_default();
    assert!(text.contains(problem), "{text:?} lacks {problem:?}");
    let names: Vec<_> = made(&desired).iter().map(|m| m["name"].clone()).collect();
    assert!(names.contains(&json!("good")), "{names:?}");
    assert!(!names.contains(&json!("bad")), "{names:?}");
    let mut unique = names.clone();
    unique.sort_by_key(Value::to_string);
    unique.dedup();
    assert_eq!(unique.len(), names.len(), "{names:?}");
}

#[test]
fn a_bad_flowmetric_is_told_and_harms_no_other() {
    let bad = |more: Value| {
        let mut spec = counter();
        spec.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        [metric("bad", spec)]
    };
    for (metrics, problem) in [
        (bad(json!({"buckets": ["1", "much"]})), "spec.buckets[1]"),
        (bad(json!({"buckets": ["NaN"]})), "spec.buckets[0]"),
        (bad(json!({"divider": "0"})), "spec.divider"),
        (bad(json!({"divider": "inf"})), "spec.divider"),
        (bad(json!({"labels": ["Nothing"]})), "spec.labels"),
        (
            bad(json!({"filters": [{"field": "Bytes", "value": "(", "matchType": "MatchRegex"}]})),
            "spec.filters[0].value",
        ),
        (
            bad(json!({"labels": ["SrcPort", "DstPort"], "remap": {"SrcPort": "DstPort"}})),
            "spec.labels",
        ),
        (
            bad(json!({"metricName": "node_ingress_bytes_total"})),
            "predefined metric",
        ),
        (
            bad(json!({"metricName": "ingest_errors"})),
            "spec.metricName: ingest_errors",
        ),
    ] {
        check_bad(&metrics, problem);
    }
}

#[test]
fn the_pipelines_own_metrics_keep_their_names() {
    let metrics = [metric("ingest-errors", counter())];
    let desired = desired_beside(&only_custom(), &kubernetes(), &metrics, &[]);
    let problem = desired.metrics[0].problem.clone().unwrap_or_default();
    assert!(problem.contains("spec.metricName"), "{problem:?}");
    assert_eq!(desired.metrics.len(), 1);
}

#[test]
fn a_name_belongs_to_the_eldest_that_asks_for_it() {
    let named = json!({"type": "Counter", "metricName": "shared"});
    let younger = metric_in("netobserv", "bad", 5, named.clone());
    let elder = metric_in("netobserv", "elder", 1, named.clone());
    check_bad(&[younger, elder], "elder");
    // One that cannot be made holds no name.
    let mut broken = named.clone();
    broken["buckets"] = json!(["x"]);
    let metrics = [
        metric_in("netobserv", "broken", 1, broken),
        metric_in("netobserv", "works", 5, named),
    ];
    let desired = desired_beside(&only_custom(), &kubernetes(), &metrics, &[]);
    assert_eq!(made(&desired)[0]["name"], "shared");
}

#[test]
fn a_predefined_metric_that_is_not_made_leaves_its_name() {
    let named = json!({"type": "Counter", "metricName": "node_ingress_bytes_total"});
    let desired = desired_beside(&only_custom(), &kubernetes(), &[metric("mine", named)], &[]);
    assert_eq!(made(&desired)[0]["name"], "node_ingress_bytes_total");
    assert_eq!(desired.metrics[0].problem, None);
}
