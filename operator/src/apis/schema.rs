//! Structural schemas, as the API server wants them, of our types.
//!
//! `schemars` describes a type in JSON Schema with references and `null`s; this resolves the references, drops the
//! `null`s (nothing in our API is nullable: the API server removes them) and keeps only what a CRD may hold. Also here:
//! filling in the defaults of a schema, as the API server does.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::foreign;

/// Formats the API server knows; `schemars` has more.
const FORMATS: [&str; 3] = ["int32", "int64", "date-time"];

/// Keys `schemars` writes and a structural schema does not have.
const DROPPED: [&str; 4] = ["$schema", "$defs", "title", "deprecated"];

/// The structural schema of a type.
pub fn structural<T: JsonSchema>() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut root = generator.into_root_schema_for::<T>().to_value();
    let definitions = match root.get_mut("$defs").map(Value::take) {
        Some(Value::Object(definitions)) => definitions,
        _ => Map::new(),
    };
    resolve(root, &definitions)
}

fn resolve(schema: Value, definitions: &Map<String, Value>) -> Value {
    let Value::Object(mut schema) = schema else {
        return schema;
    };
    if let Some(Value::String(reference)) = schema.remove("$ref") {
        let name = reference.rsplit('/').next().unwrap_or_default();
        let target = foreign::scalar(name).unwrap_or_else(|| {
            let target = definitions.get(name).cloned().unwrap_or_default();
            let target = resolve(target, definitions);
            foreign::adapt(name, target)
        });
        return merge(target, resolve_keys(schema, definitions));
    }
    if let Some(Value::Array(choices)) = schema.remove("anyOf") {
        let mut choices: Vec<Value> = choices.into_iter().filter(|c| !is_null(c)).collect();
        if choices.len() == 1 {
            let only = resolve(choices.remove(0), definitions);
            return merge(only, resolve_keys(schema, definitions));
        }
        schema.insert("anyOf".to_owned(), Value::Array(choices));
    }
    Value::Object(resolve_keys(schema, definitions))
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").is_some_and(|t| t == "null")
}

/// The keys of `over` win.
fn merge(target: Value, over: Map<String, Value>) -> Value {
    let Value::Object(mut target) = target else {
        return Value::Object(over);
    };
    target.extend(over);
    Value::Object(target)
}

fn resolve_keys(
    schema: Map<String, Value>,
    definitions: &Map<String, Value>,
) -> Map<String, Value> {
    let mut resolved = Map::new();
    for (key, value) in schema {
        let value = match (key.as_str(), value) {
            (key, _) if DROPPED.contains(&key) => continue,
            ("format", Value::String(format)) if !FORMATS.contains(&format.as_str()) => continue,
            ("type", Value::Array(types)) => {
                types.into_iter().find(|t| t != "null").unwrap_or_default()
            }
            ("enum", Value::Array(values)) => values.into_iter().filter(|v| !v.is_null()).collect(),
            ("properties", Value::Object(properties)) => Value::Object(
                properties
                    .into_iter()
                    .map(|(name, property)| (name, resolve(property, definitions)))
                    .collect(),
            ),
            ("items" | "additionalProperties", value) => resolve(value, definitions),
            (_, value) => value,
        };
        resolved.insert(key, value);
    }
    resolved
}

/// Of a schema only what [`fill_defaults`] reads: a process that keeps it keeps little.
pub fn defaults(schema: &Value) -> Value {
    branch(schema).unwrap_or_default()
}

/// What leads to a default; nothing where none is.
fn branch(schema: &Value) -> Option<Value> {
    let mut kept = Map::new();
    if let Some(default) = schema.get("default") {
        kept.insert("default".to_owned(), default.clone());
    }
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        let properties: Map<_, _> = properties
            .iter()
            .filter_map(|(name, property)| Some((name.clone(), branch(property)?)))
            .collect();
        if !properties.is_empty() {
            kept.insert("properties".to_owned(), properties.into());
        }
    }
    for key in ["additionalProperties", "items"] {
        if let Some(child) = schema.get(key).and_then(branch) {
            kept.insert(key.to_owned(), child);
        }
    }
    (!kept.is_empty()).then_some(Value::Object(kept))
}

/// Fills in the defaults of a schema where the parent object is there, as the API server does.
pub fn fill_defaults(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(object) => {
            let properties = schema.get("properties").and_then(Value::as_object);
            for (name, property) in properties.into_iter().flatten() {
                if object.get(name).is_none_or(Value::is_null) {
                    let Some(default) = property.get("default") else {
                        continue;
                    };
                    object.insert(name.clone(), default.clone());
                }
                if let Some(child) = object.get_mut(name) {
                    fill_defaults(property, child);
                }
            }
            if let Some(values) = schema.get("additionalProperties") {
                for child in object.values_mut() {
                    fill_defaults(values, child);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                for item in items {
                    fill_defaults(schema, item);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn defaults_are_filled_only_where_the_parent_is_there() {
        let schema = json!({ "properties": {
            "name": { "default": "n" },
            "inner": { "properties": { "port": { "default": 1 } } },
            "made": { "default": {}, "properties": { "on": { "default": true } } },
            "list": { "items": { "properties": { "top": { "default": 7 } } } },
            "map": { "additionalProperties": { "properties": { "k": { "default": "v" } } } },
            "none": { "description": "long", "properties": { "a": { "type": "string" } } },
        }});
        let short = defaults(&schema);
        assert_eq!(short["properties"].get("none"), None);
        for (value, expected) in [
            (json!({}), json!({ "name": "n", "made": { "on": true } })),
            (
                json!({ "name": null, "inner": {}, "made": { "on": false } }),
                json!({ "name": "n", "inner": { "port": 1 }, "made": { "on": false } }),
            ),
            (
                json!({ "name": "x", "made": {}, "list": [{}, { "top": 1 }], "map": { "a": {} } }),
                json!({ "name": "x", "made": { "on": true }, "list": [{ "top": 7 }, { "top": 1 }],
                    "map": { "a": { "k": "v" } } }),
            ),
        ] {
            for schema in [&schema, &short] {
                let mut filled = value.clone();
                fill_defaults(schema, &mut filled);
                assert_eq!(filled, expected, "{value}");
            }
        }
    }
}
