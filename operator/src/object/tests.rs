#![allow(clippy::unwrap_used, reason = "tests")]
use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::core::DynamicObject;
use serde_json::{Value, json};

use super::{Object, difference};

#[test]
fn a_live_object_holds_a_desired_one_if_only_others_added_to_it() {
    for (name, desired, live, expected) in [
        ("equal", json!({"a": 1}), json!({"a": 1}), None),
        (
            "more is there",
            json!({"a": 1}),
            json!({"a": 1, "b": 2}),
            None,
        ),
        ("absent", json!({"a": 1}), json!({}), Some("a")),
        (
            "other",
            json!({"a": {"b": "x"}}),
            json!({"a": {"b": "y"}}),
            Some("a.b"),
        ),
        (
            "empty values are left out",
            json!({"a": false, "b": "", "c": [], "d": {}, "e": null}),
            json!({}),
            None,
        ),
        ("zero is left out", json!({"a": 0}), json!({}), None),
        (
            "empty is not something",
            json!({"a": ""}),
            json!({"a": "x"}),
            Some("a"),
        ),
        (
            "a list has an end",
            json!({"a": [1]}),
            json!({"a": [1, 2]}),
            Some("a"),
        ),
        (
            "a list has an order",
            json!({"a": [1, 2]}),
            json!({"a": [2, 1]}),
            Some("a"),
        ),
        (
            "items may have more",
            json!({"a": [{"b": 1}]}),
            json!({"a": [{"b": 1, "c": 2}]}),
            None,
        ),
        (
            "owners of others are theirs",
            json!({"ownerReferences": [{"uid": "1"}]}),
            json!({"ownerReferences": [{"uid": "2"}, {"uid": "1", "controller": true}]}),
            None,
        ),
        (
            "our owner is missing",
            json!({"ownerReferences": [{"uid": "1"}]}),
            json!({"ownerReferences": [{"uid": "2"}]}),
            Some("ownerReferences"),
        ),
        (
            "quantities",
            json!({"limits": {"cpu": "1000m"}}),
            json!({"limits": {"cpu": "1"}}),
            None,
        ),
        (
            "quantities differ",
            json!({"limits": {"cpu": "2"}}),
            json!({"limits": {"cpu": "1"}}),
            Some("limits.cpu"),
        ),
        (
            "texts are no quantities",
            json!({"data": {"a": "1000m"}}),
            json!({"data": {"a": "1"}}),
            Some("data.a"),
        ),
    ] {
        let found = difference(&desired, &live);
        let place = found.as_deref().and_then(|found| found.split(':').next());
        assert_eq!(place, expected, "{name}: {found:?}");
    }
}

#[test]
fn the_content_of_a_secret_is_not_said() {
    let found = difference(
        &json!({"data": {"key": "c2VjcmV0"}}),
        &json!({"data": {"key": "b2xk"}}),
    )
    .unwrap();
    assert_eq!(found, "data.key: the content differs");
}

fn config_map(value: &str) -> Object {
    let object: ConfigMap = serde_json::from_value(
        json!({"metadata": {"name": "a", "namespace": "n"}, "data": {"k": value}}),
    )
    .unwrap();
    Object::new(&object).unwrap()
}

fn live(body: Value) -> DynamicObject {
    serde_json::from_value(body).unwrap()
}

#[test]
fn an_object_is_written_when_it_or_its_live_copy_changed() {
    let object = config_map("v");
    assert_eq!(object.key().to_string(), "ConfigMap n/a");
    let body = object.applied_body();
    assert_eq!(object.difference_from(&live(body.clone())), None);

    let changed = config_map("w").difference_from(&live(body.clone()));
    assert_eq!(changed.as_deref(), Some("the desired body changed"));

    let mut edited = body.clone();
    edited["data"]["k"] = "edited".into();
    assert!(object.difference_from(&live(edited)).is_some());

    // As in a list, whose items do not say what they are.
    let mut item = body;
    item.as_object_mut()
        .unwrap()
        .retain(|key, _| key != "kind" && key != "apiVersion");
    assert_eq!(object.difference_from(&live(item)), None);
}

#[test]
fn equal_objects_have_equal_digests_and_a_nameless_one_is_refused() {
    assert_eq!(config_map("v").digest(), config_map("v").digest());
    assert_ne!(config_map("v").digest(), config_map("w").digest());
    let error = Object::new(&Secret::default()).unwrap_err();
    assert_eq!(error.to_string(), "a Secret has no name");
}

#[test]
fn what_kubernetes_lets_nobody_change_needs_a_new_object() {
    let binding = |name: &str| -> Value {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "b"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}})
    };
    let workload = |labels: Value, image: &str| -> Value {
        json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "d"}, "spec": {
            "selector": {"matchLabels": labels},
            "template": {"spec": {"containers": [{"name": "c", "image": image}]}},
        }})
    };
    let one = json!({"app": "a"});
    let two = json!({"app": "a", "version": "1"});
    for (desired, live, expected) in [
        (binding("a"), binding("a"), false),
        (binding("a"), binding("b"), true),
        (
            workload(one.clone(), "x"),
            workload(one.clone(), "y"),
            false,
        ),
        (workload(one.clone(), "x"), workload(two.clone(), "x"), true),
        (workload(two, "x"), workload(one, "x"), true),
    ] {
        let live: DynamicObject = serde_json::from_value(live).unwrap();
        let object = if desired["kind"] == "DaemonSet" {
            let desired: DaemonSet = serde_json::from_value(desired).unwrap();
            Object::new(&desired).unwrap()
        } else {
            let desired: ClusterRoleBinding = serde_json::from_value(desired).unwrap();
            Object::new(&desired).unwrap()
        };
        assert_eq!(object.must_be_replaced(&live), expected, "{live:?}");
    }
}
