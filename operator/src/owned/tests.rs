#![allow(clippy::unwrap_used, reason = "tests")]
use kube::core::DynamicObject;
use serde_json::{Value, json};

use super::{Kind, adopt, is_ours, is_prunable, is_shared};

fn object(metadata: &Value) -> DynamicObject {
    serde_json::from_value(json!({"metadata": metadata})).unwrap()
}

fn owner(api_version: &str) -> Value {
    json!({"apiVersion": api_version, "kind": "FlowCollector", "name": "cluster", "uid": "u"})
}

#[test]
fn an_object_is_ours_by_label_or_by_its_first_owner() {
    let ours = owner("flows.netobserv.io/v1beta2");
    let other = owner("apps/v1");
    for (metadata, expected) in [
        (json!({}), false),
        (json!({"labels": {"netobserv-managed": "true"}}), true),
        (
            json!({"labels": {"netobserv-managed": "false"}, "ownerReferences": [ours]}),
            false,
        ),
        (
            json!({"labels": {"netobserv-managed": "true"}, "ownerReferences": [ours],
                "annotations": {"cert-manager.io/certificate-name": "c"}}),
            false,
        ),
        (json!({"ownerReferences": [ours, other]}), true),
        (json!({"ownerReferences": [other, ours]}), false),
        (
            json!({"ownerReferences": [owner("flows.netobserv.io.evil/v1")]}),
            false,
        ),
    ] {
        assert_eq!(is_ours(&object(&metadata)), expected, "{metadata}");
    }
}

#[test]
fn neither_a_namespace_of_somebody_else_nor_a_claim_on_a_volume_is_removed() {
    let namespace = Kind::find("", "Namespace").unwrap();
    let config_map = Kind::find("", "ConfigMap").unwrap();
    let claim = Kind::find("", "PersistentVolumeClaim").unwrap();
    let ours = owner("flows.netobserv.io/v1beta2");
    let labelled = json!({"labels": {"netobserv-managed": "true"}});
    for (kind, metadata, shared, prunable) in [
        (namespace, json!({}), true, false),
        (namespace, labelled.clone(), true, false),
        (
            namespace,
            json!({"labels": {"netobserv-managed": "false"}}),
            false,
            false,
        ),
        (namespace, json!({"ownerReferences": [ours]}), false, true),
        (config_map, labelled.clone(), false, true),
        (config_map, json!({}), false, false),
        (claim, labelled, false, false),
        (claim, json!({"ownerReferences": [ours]}), false, false),
    ] {
        let object = object(&metadata);
        assert_eq!(is_shared(kind, &object), shared, "{} {metadata}", kind.kind);
        assert_eq!(
            is_prunable(kind, &object),
            prunable,
            "{} {metadata}",
            kind.kind
        );
    }
}

fn managed(entries: &Value) -> DynamicObject {
    object(&json!({"resourceVersion": "7", "managedFields": entries}))
}

fn entry(manager: &str, operation: &str, fields: &Value) -> Value {
    json!({"manager": manager, "operation": operation, "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": fields})
}

#[test]
fn claims_of_others_on_what_we_decide_become_ours_and_their_labels_stay_theirs() {
    let mut status = entry(
        "kube-controller-manager",
        "Update",
        &json!({"f:status": {}}),
    );
    status["subresource"] = "status".into();
    let object = managed(&json!([
        entry(
            "netobserv-operator",
            "Apply",
            &json!({"f:spec": {"f:a": {}}})
        ),
        entry(
            "kubectl-edit",
            "Update",
            &json!({"f:spec": {"f:b": {}}, "f:metadata": {"f:labels": {"f:team": {}}}})
        ),
        status,
    ]));
    assert!(adopt::has_other_managers(&object));
    let patch = adopt::patch(&object, "apps/v1");
    let entries = patch[0]["value"].as_array().unwrap();
    let summary: Vec<(&str, &Value)> = entries
        .iter()
        .map(|entry| (entry["manager"].as_str().unwrap(), &entry["fieldsV1"]))
        .collect();
    assert_eq!(
        summary,
        [
            (
                "netobserv-operator",
                &json!({"f:spec": {"f:a": {}, "f:b": {}}})
            ),
            (
                "kubectl-edit",
                &json!({"f:metadata": {"f:labels": {"f:team": {}}}})
            ),
            ("kube-controller-manager", &json!({"f:status": {}})),
        ]
    );
    assert_eq!(
        patch[1],
        json!({"op": "test", "path": "/metadata/resourceVersion", "value": "7"})
    );
}

#[test]
fn labels_and_status_of_others_are_no_reason_to_take_over() {
    let mut object = managed(&json!([
        entry(
            "netobserv-operator",
            "Apply",
            &json!({"f:spec": {"f:a": {}}})
        ),
        entry(
            "kubectl-label",
            "Update",
            &json!({"f:metadata": {"f:labels": {"f:team": {}}}})
        ),
    ]));
    assert!(!adopt::has_other_managers(&object));
    adopt::shorten(&mut object);
    assert!(!adopt::has_other_managers(&object));
    let kept = &object.metadata.managed_fields.unwrap()[0].fields_v1;
    assert_eq!(serde_json::to_value(kept).unwrap(), json!({"f:spec": {}}));
}
