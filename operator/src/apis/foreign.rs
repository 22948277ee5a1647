//! What the schemas of Kubernetes' own types lack inside of a CRD.
//!
//! The generated types know their fields but not the list and map kinds, the patterns of quantities or the bounds of
//! conditions. Their long descriptions are left out: `kubectl explain pod.spec` has them.

use serde_json::{Value, json};

const CORE: &str = "io.k8s.api.core.v1.";
const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";

/// Pattern of a quantity, such as `100m` or `2Gi`.
const QUANTITY: &str = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";

/// Structs of Kubernetes that are replaced as a whole on apply.
const ATOMIC_MAPS: [&str; 3] = [
    "core.v1.NodeSelector",
    "core.v1.NodeSelectorTerm",
    "meta.v1.LabelSelector",
];

/// The schema of a type of Kubernetes that is written as a number or a text.
pub fn scalar(name: &str) -> Option<Value> {
    match name {
        "io.k8s.apimachinery.pkg.api.resource.Quantity" => Some(json!({
            "anyOf": [{ "type": "integer" }, { "type": "string" }],
            "pattern": QUANTITY,
            "x-kubernetes-int-or-string": true,
        })),
        "io.k8s.apimachinery.pkg.util.intstr.IntOrString" => Some(json!({
            "anyOf": [{ "type": "integer" }, { "type": "string" }],
            "x-kubernetes-int-or-string": true,
        })),
        _ => None,
    }
}

/// Adapts the resolved schema of one definition; ours pass unchanged.
pub fn adapt(name: &str, mut schema: Value) -> Value {
    if !name.starts_with("io.k8s.") {
        return schema;
    }
    if let Some(object) = schema.as_object_mut() {
        object.remove("description");
        if ATOMIC_MAPS.iter().any(|suffix| name.ends_with(suffix)) {
            object.insert("x-kubernetes-map-type".to_owned(), json!("atomic"));
        }
    }
    for (property, schema) in schema
        .get_mut("properties")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flatten()
    {
        let Some(schema) = schema.as_object_mut() else {
            continue;
        };
        schema.remove("description");
        if schema.get("type").is_some_and(|t| t == "array") {
            if name.strip_prefix(CORE) == Some("ResourceRequirements") && property == "claims" {
                schema.insert("x-kubernetes-list-type".to_owned(), json!("map"));
                schema.insert("x-kubernetes-list-map-keys".to_owned(), json!(["name"]));
            } else {
                schema.insert("x-kubernetes-list-type".to_owned(), json!("atomic"));
            }
        }
        if name.strip_prefix(META) == Some("Condition") {
            schema.extend(condition(property));
        }
    }
    schema
}

/// Description and bounds of one field of a condition.
fn condition(property: &str) -> serde_json::Map<String, Value> {
    let keys = match property {
        "lastTransitionTime" => json!({ "description": "When `status` last changed." }),
        "message" => json!({ "description": "Why, and what to do next.", "maxLength": 32768 }),
        "observedGeneration" => {
            json!({ "description": "The `metadata.generation` this is about.", "minimum": 0 })
        }
        "reason" => json!({
            "description": "Why, in one word.",
            "minLength": 1,
            "maxLength": 1024,
            "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
        }),
        "status" => json!({
            "description": "`True`, `False` or `Unknown`.",
            "enum": ["True", "False", "Unknown"],
        }),
        "type" => json!({
            "description": "The question this condition answers.",
            "maxLength": 316,
            "pattern": r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
        }),
        _ => json!({}),
    };
    match keys {
        Value::Object(keys) => keys,
        _ => serde_json::Map::new(),
    }
}
