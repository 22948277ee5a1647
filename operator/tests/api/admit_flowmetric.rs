//! Admission of FlowMetrics.

use netobserv_operator::apis::flowmetric::fields::{self, Cardinality, FieldKind};
use netobserv_operator::apis::flowmetric::validate::{cardinality, prometheus_name, validate};
use serde_json::{Value, json};

fn check(mut spec: Value, errors: &[(&str, &str)], warning: Option<&str>) {
    spec["type"] = json!("Counter");
    let findings = validate(&serde_json::from_value(spec.clone()).unwrap());
    let found: Vec<_> = findings.errors.iter().map(|e| e.path.as_str()).collect();
    let expected: Vec<_> = errors.iter().map(|(path, _)| *path).collect();
    assert_eq!(found, expected, "{spec}");
    for (error, (_, text)) in findings.errors.iter().zip(errors) {
        assert!(error.problem.contains(text), "{spec}: {error}");
    }
    match (findings.warnings.first(), warning) {
        (None, None) => {}
        (Some(found), Some(text)) => assert!(found.to_string().contains(text), "{spec}: {found}"),
        (found, _) => panic!("{spec}: {found:?}"),
    }
}

#[test]
fn each_rule() {
    let filter = |field: &str| json!({ "filters": [{ "field": field, "matchType": "Equal", "value": "x" }] });
    check(json!({}), &[], None);
    check(filter("SrcK8S_Name"), &[], None);
    check(filter("NetworkEvents>Feature"), &[], None);
    check(filter("Nothing"), &[("spec.filters", "Nothing")], None);
    check(
        json!({ "labels": ["SrcK8S_Namespace", "Nothing"] }),
        &[("spec.labels", "Nothing")],
        // Not how many series it would make, were it taken.
        None,
    );
    check(
        json!({ "labels": ["SrcK8S_Namespace"], "remap": { "SrcK8S_Namespace": "ns" } }),
        &[],
        None,
    );
    check(
        json!({ "labels": ["SrcK8S_Namespace"], "remap": { "SrcK8S_Type": "t", "SrcAddr": "a" } }),
        &[("spec.remap", "SrcAddr, SrcK8S_Type")],
        None,
    );
    check(
        json!({ "remap": { "SrcK8S_Type": "t" } }),
        &[("spec.remap", "SrcK8S_Type")],
        None,
    );
    check(
        json!({ "labels": ["SrcPort", "DstPort"], "remap": { "SrcPort": "port", "DstPort": "port" } }),
        &[("spec.labels", "port")],
        None,
    );
    check(
        json!({ "labels": ["Proto", "Proto"] }),
        &[("spec.labels", "Proto")],
        None,
    );
    check(json!({ "labels": ["SrcPort"] }), &[], Some("series"));
    check(json!({ "metricName": "mine" }), &[], None);
    check(
        json!({ "metricName": "node_flows_total" }),
        &[],
        Some("predefined"),
    );
    check(
        json!({ "metricName": "ingest_errors" }),
        &[("spec.metricName", "the pipeline itself")],
        None,
    );
    for (path, field, value) in [
        ("spec.buckets[0]", "buckets", json!(["inf"])),
        ("spec.divider", "divider", json!("NaN")),
    ] {
        check(json!({ field: value }), &[(path, "no number")], None);
    }
    check(json!({ "flatten": ["NetworkEvents", "Flags"] }), &[], None);
    check(
        json!({ "flatten": ["Nothing"] }),
        &[("spec.flatten", "Nothing")],
        None,
    );
    check(json!({ "valueField": "DnsLatencyMs" }), &[], None);
    check(json!({ "valueField": "" }), &[], None);
    check(
        json!({ "valueField": "SrcK8S_Name" }),
        &[("spec.valueField", "no number")],
        None,
    );
    check(
        json!({ "valueField": "Nothing" }),
        &[("spec.valueField", "no such field")],
        None,
    );
    check(
        json!({ "buckets": ["0.1", "x", "1", "y"] }),
        &[("spec.buckets[1]", "x"), ("spec.buckets[3]", "y")],
        None,
    );
    check(json!({ "divider": "1000" }), &[], None);
    check(json!({ "divider": "0" }), &[("spec.divider", "0")], None);
    check(json!({ "divider": "ms" }), &[("spec.divider", "ms")], None);
    check(
        json!({ "filters": [{ "field": "SrcPort", "matchType": "MatchRegex", "value": "(" }] }),
        &[("spec.filters[0].value", "regular expression")],
        None,
    );
    check(
        json!({ "filters": [{ "field": "SrcPort", "matchType": "NotMatchRegex", "value": "a**" }] }),
        &[("spec.filters[0].value", "repeats a repetition")],
        None,
    );
    check(
        json!({ "filters": [{ "field": "A", "matchType": "Presence" }], "labels": ["B"], "valueField": "C", "buckets": ["D"] }),
        &[
            ("spec.filters", "A"),
            ("spec.labels", "B"),
            ("spec.valueField", "C"),
            ("spec.buckets[0]", "D"),
        ],
        None,
    );
}

#[test]
fn the_number_of_series() {
    for (labels, level, details) in [
        (vec![], "fine", ""),
        (
            vec!["SrcK8S_Namespace"],
            "fine",
            "Cardinality level 'fine': 1 labels (SrcK8S_Namespace)",
        ),
        (
            vec!["SrcK8S_Namespace", "DstPort"],
            "careful",
            "Cardinality level 'careful': 1 labels (DstPort); Cardinality level 'fine': 1 labels (SrcK8S_Namespace)",
        ),
        (
            vec!["NetworkEvents>Name", "NetworkEvents", "SrcAddr", "X"],
            "avoid",
            "Cardinality level 'avoid': 2 labels (NetworkEvents, SrcAddr); Cardinality level 'unknown': 1 labels (X); Cardinality level 'fine': 1 labels (NetworkEvents>Name)",
        ),
        (
            vec!["TLSTypes", "TLSCipherSuite", "TLSCurve"],
            "fine",
            "Cardinality level 'fine': 3 labels (TLSTypes, TLSCipherSuite, TLSCurve)",
        ),
        (
            vec!["UdnId"],
            "careful",
            "Cardinality level 'careful': 1 labels (UdnId)",
        ),
    ] {
        let labels: Vec<_> = labels.into_iter().map(str::to_owned).collect();
        let found = cardinality(&labels);
        assert_eq!((found.0.as_str(), found.1.as_str()), (level, details));
    }
    check(
        json!({ "labels": ["DstPort"] }),
        &[],
        Some("may make many series"),
    );
    check(
        json!({ "labels": ["SrcAddr"] }),
        &[],
        Some("Prometheus fails"),
    );
}

#[test]
fn names_in_prometheus() {
    for (object, name, expected) in [
        ("te-st.x", json!({}), "netobserv_te_st_x"),
        ("x", json!({ "metricName": "" }), "netobserv_x"),
        (
            "x",
            json!({ "metricName": "my:metric" }),
            "netobserv_my:metric",
        ),
    ] {
        let mut spec = name;
        spec["type"] = json!("Counter");
        assert_eq!(
            prometheus_name(object, &serde_json::from_value(spec).unwrap()),
            expected
        );
    }
}

/// What a field of the pipeline's dictionary holds, as admission sees it.
fn kind_of(field_type: &str) -> FieldKind {
    match field_type {
        "u8" | "u16" | "u32" | "u64" | "i32" | "i64" => FieldKind::Number,
        // A condition on it compares texts.
        "bool" | "string" | "ip" | "mac" => FieldKind::Text,
        "list_string" | "list_int" | "list_map" | "tcp_flags" => FieldKind::List,
        other => panic!("{other} is a new type: say here what it holds"),
    }
}

#[test]
fn every_field_of_the_pipeline_may_be_used() {
    let dictionary = include_str!("../../contracts/vendored/flowlogs-pipeline/fields.json");
    let dictionary: Value = serde_json::from_str(dictionary).unwrap();
    let entries = dictionary["fields"].as_array().unwrap();
    assert!(entries.len() > 100);
    for entry in entries {
        let name = entry["name"].as_str().unwrap();
        let expected = kind_of(entry["type"].as_str().unwrap());
        assert_eq!(fields::kind(name), Some(expected), "{name}");
        assert_ne!(fields::cardinality(name), Cardinality::Unknown, "{name}");
    }
}
