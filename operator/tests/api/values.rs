//! Objects made from a schema: any mixture of fields, each with a value the schema allows.

use proptest::prelude::*;
use serde_json::{Value, json};

/// Objects of a schema, with some of the fields that may be there.
pub fn values(schema: &Value) -> BoxedStrategy<Value> {
    if schema["x-kubernetes-int-or-string"] == true {
        let texts = if schema.get("pattern").is_some() {
            ["100m", "2Gi"]
        } else {
            ["80-90", "80,443"]
        };
        return prop_oneof![
            (0..70_000_i64).prop_map(Value::from),
            prop::sample::select(texts.to_vec()).prop_map(Value::from),
        ]
        .boxed();
    }
    if let Some(values) = schema["enum"].as_array() {
        return prop::sample::select(values.clone()).boxed();
    }
    match schema["type"].as_str().unwrap() {
        "boolean" => any::<bool>().prop_map(Value::from).boxed(),
        "integer" => {
            let least = schema["minimum"].as_f64().unwrap_or(-1.0) as i64;
            let most = schema["maximum"].as_f64().map_or(least + 3, |m| m as i64);
            let default = schema["default"].as_i64().unwrap_or(least);
            prop_oneof![least..=most, Just(default)]
                .prop_map(Value::from)
                .boxed()
        }
        "array" => {
            let least = schema["minItems"].as_u64().unwrap_or(0) as usize;
            prop::collection::vec(values(&schema["items"]), least..least + 3)
                .prop_map(Value::from)
                .boxed()
        }
        "object" => objects(schema),
        _ => texts(schema),
    }
}

fn texts(schema: &Value) -> BoxedStrategy<Value> {
    let mut choices: Vec<Value> = match (schema["pattern"].as_str(), schema["format"].as_str()) {
        (_, Some("date-time")) => vec![json!("2026-01-01T00:00:00Z")],
        (Some("^cluster$"), _) => vec![json!("cluster")],
        (Some(pattern), _) if pattern.contains("ns|ms|s|m") => vec![json!("7s"), json!("2m")],
        (Some(_), _) => vec![json!("Name")],
        _ => vec![json!(""), json!("a"), json!("10s")],
    };
    choices.extend(schema.get("default").cloned());
    prop::sample::select(choices).boxed()
}

fn objects(schema: &Value) -> BoxedStrategy<Value> {
    if let Some(of) = schema.get("additionalProperties") {
        return prop::collection::btree_map("[a-c]", values(of), 0..3)
            .prop_map(|map| Value::Object(map.into_iter().collect()))
            .boxed();
    }
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let (names, fields): (Vec<String>, Vec<_>) = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, property)| {
            let value = values(property);
            let value = if required.contains(&json!(name)) {
                value.prop_map(Some).boxed()
            } else {
                prop::option::weighted(0.4, value).boxed()
            };
            (name.clone(), value)
        })
        .unzip();
    fields
        .prop_map(move |fields| {
            let present = names.iter().cloned().zip(fields);
            Value::Object(
                present
                    .filter_map(|(name, value)| Some((name, value?)))
                    .collect(),
            )
        })
        .boxed()
}
