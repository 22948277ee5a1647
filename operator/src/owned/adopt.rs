//! Field managers: whose fields a live object's are, and making them ours.
//!
//! A server-side apply removes a field that it no longer wants only if nobody else claims it. Another program that wrote
//! the object before (an older operator, `kubectl edit`) still claims what it wrote, so its entries are handed to us
//! first. Status is left to those who observe it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry};
use kube::core::DynamicObject;
use serde_json::{Map, Value, json};

use crate::scope::FIELD_MANAGER;

/// Whether somebody else claims fields that we decide.
pub fn has_other_managers(object: &DynamicObject) -> bool {
    object
        .metadata
        .managed_fields
        .iter()
        .flatten()
        .filter(|entry| !is_status(entry) && !is_ours(entry))
        .any(|entry| fields(entry).any(|(key, _)| key != METADATA))
}

/// Labels and annotations of others on our objects stay theirs.
const METADATA: &str = "f:metadata";

fn is_status(entry: &ManagedFieldsEntry) -> bool {
    !entry.subresource.as_deref().unwrap_or_default().is_empty()
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

/// The JSON patch that makes these claims ours. It fails if the object changed meanwhile.
pub fn patch(object: &DynamicObject, api_version: &str) -> Value {
    let mut ours = Map::new();
    let mut entries = Vec::new();
    for entry in object.metadata.managed_fields.iter().flatten() {
        if is_status(entry) {
            entries.push(entry.clone());
            continue;
        }
        let mut theirs = Map::new();
        for (key, value) in fields(entry) {
            let into = if key == METADATA && !is_ours(entry) {
                &mut theirs
            } else {
                &mut ours
            };
            merge(into, &Map::from_iter([(key.clone(), value.clone())]));
        }
        if !theirs.is_empty() {
            entries.push(ManagedFieldsEntry {
                fields_v1: Some(FieldsV1(Value::Object(theirs))),
                ..entry.clone()
            });
        }
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
        {"op": "test", "path": "/metadata/resourceVersion", "value": object.metadata.resource_version},
    ])
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
