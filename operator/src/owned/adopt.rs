//! Field managers: whose fields a live object's are, and making them ours.
//!
//! A server-side apply removes a field that it no longer wants only if nobody else claims it. Another program that wrote
//! the object before (an older operator, `kubectl edit`) still claims what it wrote, so its entries are handed to us
//! first. Status is left to those who observe it.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry};
use kube::core::DynamicObject;
use serde_json::{Map, Value, json};

use crate::object::Object;
use crate::scope::{FIELD_MANAGER, leftover};

/// Whether somebody else claims fields of `live` that we decide.
pub fn has_other_managers(live: &DynamicObject, desired: &Object) -> bool {
    claims_of_others(live, desired).next().is_some()
}

/// Entries of others about what we decide.
fn claims_of_others<'a>(
    live: &'a DynamicObject,
    desired: &'a Object,
) -> impl Iterator<Item = &'a ManagedFieldsEntry> {
    let entries = live.metadata.managed_fields.iter().flatten();
    let others = entries.filter(|entry| !is_status(entry) && !is_ours(entry));
    others.filter(|entry| fields(entry).any(|(key, _)| is_decided(key, desired)))
}

/// Whether a part of the object is ours to decide. Labels and annotations of others stay theirs, and so do parts that the
/// desired object does not have, such as the pull secrets of a ServiceAccount.
fn is_decided(key: &str, desired: &Object) -> bool {
    let name = key.strip_prefix(FIELD).unwrap_or(key);
    key != METADATA && desired.body().get(name).is_some()
}

/// Begins the key of a field.
const FIELD: &str = "f:";
const METADATA: &str = "f:metadata";
const REPLICAS: &str = "f:replicas";
const SPEC: &str = "f:spec";
/// Stands for the map itself among the claims on its keys.
const WHOLE: &str = ".";
/// Beginnings of the annotations of pods that we decide.
const DECIDED_ANNOTATIONS: [&str; 2] = ["f:flows.netobserv.io/", "f:prometheus.io/"];

fn is_status(entry: &ManagedFieldsEntry) -> bool {
    !entry.subresource.as_deref().unwrap_or_default().is_empty()
}

/// Whether we wrote it by an apply.
pub fn is_applied_by_us(object: &DynamicObject) -> bool {
    object.metadata.managed_fields.iter().flatten().any(is_ours)
}

/// Whether NetObserv's own operator wrote it.
pub fn is_written_by_former(object: &DynamicObject) -> bool {
    let mut entries = object.metadata.managed_fields.iter().flatten();
    entries.any(|entry| entry.manager.as_deref() == Some(leftover::FIELD_MANAGER))
}

/// Who beside us claims a part of what we decide: former operators keep metadata.
pub fn other_managers(live: &DynamicObject, desired: &Object) -> BTreeSet<String> {
    claims_of_others(live, desired)
        .filter_map(|entry| entry.manager.clone())
        .collect()
}

/// Whether we claim the number of replicas.
pub fn claims_replicas(object: &DynamicObject) -> bool {
    let mut ours = object.metadata.managed_fields.iter().flatten();
    ours.any(|entry| {
        is_ours(entry)
            && fields(entry).any(|(key, value)| key == SPEC && value.get(REPLICAS).is_some())
    })
}

fn is_ours(entry: &ManagedFieldsEntry) -> bool {
    entry.manager.as_deref() == Some(FIELD_MANAGER) && entry.operation.as_deref() == Some("Apply")
}

fn fields(entry: &ManagedFieldsEntry) -> impl Iterator<Item = (&String, &Value)> {
    entry
        .fields_v1
        .iter()
        .filter_map(|FieldsV1(fields)| fields.as_object())
        .flatten()
}

/// Keeps only which parts an entry claims: all that [`has_other_managers`] asks, and little to hold in memory.
pub fn shorten(object: &mut DynamicObject) {
    for entry in object.metadata.managed_fields.iter_mut().flatten() {
        let parts: Map<String, Value> = fields(entry)
            .map(|(key, _)| (key.clone(), json!({})))
            .collect();
        entry.fields_v1 = Some(FieldsV1(Value::Object(parts)));
    }
}

/// The JSON patch that makes these claims ours. It fails if the object changed meanwhile. Where the desired object leaves
/// the number of replicas to others it becomes nobody's, so that the apply that follows, which does not say it, leaves it
/// instead of removing it.
pub fn patch(live: &DynamicObject, desired: &Object, api_version: &str) -> Value {
    let mut ours = Map::new();
    let mut entries = Vec::new();
    for entry in live.metadata.managed_fields.iter().flatten() {
        if is_status(entry) {
            entries.push(entry.clone());
            continue;
        }
        let mut theirs = Map::new();
        for (key, value) in fields(entry) {
            if !is_ours(entry) && !is_decided(key, desired) {
                theirs.insert(key.clone(), value.clone());
                continue;
            }
            let mut value = value.clone();
            if key == SPEC
                && !is_ours(entry)
                && let Some(left) = take_pod_annotations(&mut value)
            {
                theirs.insert(key.clone(), left);
            }
            merge(&mut ours, &Map::from_iter([(key.clone(), value)]));
        }
        if !theirs.is_empty() {
            entries.push(ManagedFieldsEntry {
                fields_v1: Some(FieldsV1(Value::Object(theirs))),
                ..entry.clone()
            });
        }
    }
    if desired.leaves_replicas()
        && let Some(Value::Object(spec)) = ours.get_mut(SPEC)
    {
        spec.remove(REPLICAS);
    }
    entries.insert(
        0,
        ManagedFieldsEntry {
            api_version: Some(api_version.to_owned()),
            fields_type: Some("FieldsV1".to_owned()),
            fields_v1: Some(FieldsV1(Value::Object(ours))),
            manager: Some(FIELD_MANAGER.to_owned()),
            operation: Some("Apply".to_owned()),
            subresource: None,
            time: None,
        },
    );
    json!([
        {"op": "replace", "path": "/metadata/managedFields", "value": entries},
        {"op": "test", "path": "/metadata/resourceVersion", "value": live.metadata.resource_version},
    ])
}

/// Takes out of a claim on a workload's specification the annotations of its pods that are none of ours:
/// `kubectl rollout restart` sets one, and without it the pods would roll once more.
fn take_pod_annotations(spec: &mut Value) -> Option<Value> {
    let annotations = spec
        .pointer_mut("/f:template/f:metadata/f:annotations")?
        .as_object_mut()?;
    let mut theirs = Map::new();
    annotations.retain(|key, value| {
        let is_decided = DECIDED_ANNOTATIONS
            .iter()
            .any(|beginning| key.starts_with(beginning));
        if !is_decided && key != WHOLE {
            theirs.insert(key.clone(), value.take());
        }
        is_decided || key == WHOLE
    });
    (!theirs.is_empty()).then(|| json!({"f:template": {"f:metadata": {"f:annotations": theirs}}}))
}

/// The union of two trees of fields.
fn merge(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (Some(Value::Object(into)), Value::Object(from)) => merge(into, from),
            (Some(_), _) => {}
            (None, value) => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}
