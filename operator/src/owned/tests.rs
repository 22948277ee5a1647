#![allow(clippy::unwrap_used, reason = "tests")]
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::core::DynamicObject;
use serde_json::{Value, json};

use super::{Kind, adopt, claim, is_detached, is_made_by_us, is_ours, is_prunable, is_shared};
use crate::object::Object;

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

#[test]
fn only_what_was_written_by_us_or_by_netobserv_for_its_resource_is_made_by_us() {
    let ours = owner("flows.netobserv.io/v1beta2");
    let by = |manager: &str, operation: &str| json!([{"manager": manager, "operation": operation}]);
    for (owners, writers, expected) in [
        (json!([]), by("netobserv-operator", "Apply"), true),
        (json!([ours]), by("netobserv-operator", "Apply"), true),
        (json!([ours]), by("manager", "Update"), true),
        (
            json!([owner("apps/v1"), ours]),
            by("manager", "Update"),
            true,
        ),
        (json!([]), by("manager", "Update"), false),
        // Copies, also with all that `kubectl get` shows of one of ours.
        (
            json!([ours]),
            by("kubectl-client-side-apply", "Update"),
            false,
        ),
        (json!([]), by("velero-server", "Update"), false),
        (json!([]), json!([]), false),
    ] {
        let object = object(
            &json!({"labels": {"netobserv-managed": "true"}, "ownerReferences": owners,
            "managedFields": writers}),
        );
        assert_eq!(is_made_by_us(&object), expected, "{owners} {writers}");
    }
}

#[test]
fn a_label_with_another_value_detaches_an_object() {
    for (labels, expected) in [
        (json!({}), false),
        (json!({"netobserv-managed": "true"}), false),
        (json!({"netobserv-managed": "false"}), true),
        (json!({"netobserv-managed": ""}), true),
    ] {
        let object = object(&json!({"labels": labels}));
        assert_eq!(is_detached(&object), expected, "{labels}");
    }
}

#[test]
fn a_claim_that_exists_only_grows() {
    fn claim(size: &str, class: Option<&str>) -> Value {
        let mut spec = json!({"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem",
            "resources": {"requests": {"storage": size}}});
        if let Some(class) = class {
            spec["storageClassName"] = class.into();
        }
        spec
    }
    // Asked for, there, whether bound; then written, growth, and a word of what is kept.
    for (asked, there, is_bound, written, growth, kept) in [
        (
            claim("1Gi", None),
            claim("1Gi", Some("a")),
            true,
            claim("1Gi", Some("a")),
            None,
            None,
        ),
        (
            claim("1Gi", None),
            claim("1024Mi", None),
            true,
            claim("1024Mi", None),
            None,
            None,
        ),
        (
            claim("2Gi", Some("a")),
            claim("1Gi", Some("a")),
            true,
            claim("2Gi", Some("a")),
            Some("2Gi"),
            None,
        ),
        (
            claim("2Gi", None),
            claim("1Gi", None),
            false,
            claim("1Gi", None),
            None,
            Some("once it has a volume"),
        ),
        (
            claim("1Gi", None),
            claim("2Gi", None),
            true,
            claim("2Gi", None),
            None,
            Some("cannot shrink"),
        ),
        (
            claim("2Gi", Some("b")),
            claim("1Gi", Some("a")),
            true,
            claim("2Gi", Some("a")),
            Some("2Gi"),
            Some("cannot become"),
        ),
        (
            claim("1Gi", Some("b")),
            claim("1Gi", None),
            true,
            claim("1Gi", None),
            None,
            Some("cannot become"),
        ),
    ] {
        let typed: PersistentVolumeClaim =
            serde_json::from_value(json!({"metadata": {"name": "c"}, "spec": asked})).unwrap();
        let phase = if is_bound { "Bound" } else { "Pending" };
        let live: DynamicObject = serde_json::from_value(
            json!({"metadata": {"name": "c"}, "spec": there, "status": {"phase": phase}}),
        )
        .unwrap();
        let fitted = claim::fit(&Object::new(&typed).unwrap(), &live);
        assert_eq!(fitted.object.body()["spec"], written, "{asked} {there}");
        assert_eq!(fitted.growth.as_deref(), growth, "{asked} {there}");
        let text = fitted.kept.join("; ");
        assert!(
            kept.map_or(text.is_empty(), |kept| text.contains(kept)),
            "{asked} {there}: {text}"
        );
    }
}

#[test]
fn replicas_that_are_left_to_others_become_nobodys() {
    for manager in ["netobserv-operator", "manager"] {
        let operation = if manager == "manager" {
            "Update"
        } else {
            "Apply"
        };
        let fields = json!({"f:spec": {"f:replicas": {}, "f:selector": {}}});
        let object = managed(&json!([entry(manager, operation, &fields)]));
        assert_eq!(adopt::claims_replicas(&object), operation == "Apply");
        for (leaves, left) in [
            (false, fields),
            (true, json!({"f:spec": {"f:selector": {}}})),
        ] {
            let replicas = (!leaves).then_some(1);
            let desired = deployment(&json!({"replicas": replicas}));
            let patch = adopt::patch(&object, &desired, "apps/v1");
            let entries = patch[0]["value"].as_array().unwrap();
            assert_eq!(entries.len(), 1, "{manager}");
            assert_eq!(entries[0]["fieldsV1"], left, "{manager} {leaves}");
        }
    }
}

/// A desired Deployment.
fn deployment(spec: &Value) -> Object {
    let mut body = json!({"metadata": {"name": "d"}, "spec": {"selector": {}, "template": {}}});
    for (key, value) in spec.as_object().unwrap() {
        body["spec"][key] = value.clone();
    }
    Object::new(&serde_json::from_value::<Deployment>(body).unwrap()).unwrap()
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
            &json!({"f:spec": {"f:b": {}}, "f:metadata": {"f:labels": {"f:team": {}}}, "f:other": {}})
        ),
        status,
    ]));
    let desired = deployment(&json!({}));
    assert!(adopt::has_other_managers(&object, &desired));
    assert_eq!(
        adopt::other_managers(&object, &desired),
        ["kubectl-edit".to_owned()].into()
    );
    let patch = adopt::patch(&object, &desired, "apps/v1");
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
                &json!({"f:metadata": {"f:labels": {"f:team": {}}}, "f:other": {}})
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
fn what_restarted_the_pods_last_stays_with_who_set_it() {
    let template = |annotations: Value| json!({"f:spec": {"f:template": {"f:metadata": {"f:annotations": annotations}}}});
    let restart = "f:kubectl.kubernetes.io/restartedAt";
    let digest = "f:flows.netobserv.io/config-digest";
    let claims = template(json!({".": {}, digest: {}, restart: {}}));
    let object = managed(&json!([entry("manager", "Update", &claims)]));
    let patch = adopt::patch(&object, &deployment(&json!({"replicas": 1})), "apps/v1");
    let entries = patch[0]["value"].as_array().unwrap();
    assert_eq!(entries[0]["manager"], "netobserv-operator");
    assert_eq!(
        entries[0]["fieldsV1"],
        template(json!({".": {}, digest: {}}))
    );
    assert_eq!(entries[1]["manager"], "manager");
    assert_eq!(entries[1]["fieldsV1"], template(json!({restart: {}})));
}

#[test]
fn labels_and_parts_that_we_say_nothing_of_are_no_reason_to_take_over() {
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
        entry("others", "Update", &json!({"f:imagePullSecrets": {}})),
    ]));
    let desired = deployment(&json!({}));
    assert!(!adopt::has_other_managers(&object, &desired));
    adopt::shorten(&mut object);
    assert!(!adopt::has_other_managers(&object, &desired));
    let kept = &object.metadata.managed_fields.unwrap()[0].fields_v1;
    assert_eq!(serde_json::to_value(kept).unwrap(), json!({"f:spec": {}}));
}
