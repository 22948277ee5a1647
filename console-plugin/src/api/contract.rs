//! The types of the API in TypeScript, generated from the same structs that are serialised.
//!
//! A test writes `web/src/api/generated/types.ts` with `UPDATE_CONTRACTS=1` and compares it otherwise.
//! **Invariant:** no type of the API is written by hand on the page's side.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::{Map, Value};

use super::error::ErrorBody;
use super::fields::FieldValues;
use super::status::Status;
use crate::answer::{Envelope, MatrixSeries, Stream};
use crate::config::FrontendConfig;
use crate::losses::LossReport;

/// All answers, under the names their types get.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Answers {
    frontend_config: FrontendConfig,
    status: Status,
    records_answer: Envelope<Vec<Stream<'static>>>,
    metrics_answer: Envelope<Vec<MatrixSeries<'static>>>,
    field_values: FieldValues,
    loss_report: LossReport,
    error_body: ErrorBody,
}

const HEADER: &str =
    "// Generated from the back end's types by its tests (UPDATE_CONTRACTS=1); do not edit.\n";

#[test]
fn the_types_of_the_page_are_the_committed_ones() {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let schema = settings
        .into_generator()
        .into_root_schema_for::<Answers>()
        .to_value();
    let mut text = HEADER.to_owned();
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        let name = type_name(name, &schema);
        write!(
            text,
            "\nexport {}\n",
            declaration(&name, definition, &schema)
        )
        .unwrap();
    }
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/web/src/api/generated/types.ts"
    );
    if std::env::var_os("UPDATE_CONTRACTS").is_some() {
        std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
        std::fs::write(path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == text,
        "{path} is old; run the tests with UPDATE_CONTRACTS=1"
    );
}

fn declaration(name: &str, schema: &Value, root: &Value) -> String {
    let text = typescript(schema, root, 0);
    let is_union = schema.get("anyOf").or(schema.get("oneOf")).is_some();
    if text.starts_with('{') && !is_union {
        format!("interface {name} {text}")
    } else {
        format!("type {name} = {text};")
    }
}

fn typescript(schema: &Value, root: &Value, depth: usize) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return type_name(reference.rsplit('/').next().unwrap(), root);
    }
    if let Some(options) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        return options
            .iter()
            .map(|option| typescript(option, root, depth))
            .collect::<Vec<_>>()
            .join(" | ");
    }
    if let Some(constant) = schema.get("const") {
        return constant.to_string().replace('"', "'");
    }
    match &schema["type"] {
        Value::Array(kinds) => {
            let kinds = kinds
                .iter()
                .map(|kind| typescript(&serde_json::json!({ "type": kind }), root, depth));
            kinds.collect::<Vec<_>>().join(" | ")
        }
        Value::String(kind) => match kind.as_str() {
            "integer" | "number" => "number".to_owned(),
            "array" => match schema["prefixItems"].as_array() {
                Some(items) => {
                    let items: Vec<_> = items
                        .iter()
                        .map(|item| typescript(item, root, depth))
                        .collect();
                    format!("[{}]", items.join(", "))
                }
                None => format!("{}[]", typescript(&schema["items"], root, depth)),
            },
            "object" => match schema["properties"].as_object() {
                Some(properties) => object(properties, schema, root, depth),
                None => format!(
                    "Record<string, {}>",
                    typescript(&schema["additionalProperties"], root, depth)
                ),
            },
            other => other.to_owned(),
        },
        _ => "unknown".to_owned(),
    }
}

/// A key that may be left out has a question mark.
fn object(properties: &Map<String, Value>, schema: &Value, root: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth + 1);
    let required = schema["required"].as_array();
    let mut text = "{\n".to_owned();
    for (name, property) in properties {
        if let Some(doc) = property["description"].as_str() {
            writeln!(text, "{indent}/** {} */", doc.replace('\n', " ")).unwrap();
        }
        let is_required = required.is_some_and(|required| required.iter().any(|key| key == name));
        let mark = if is_required { "" } else { "?" };
        writeln!(
            text,
            "{indent}{name}{mark}: {};",
            typescript(property, root, depth + 1)
        )
        .unwrap();
    }
    write!(text, "{}}}", "  ".repeat(depth)).unwrap();
    text
}

/// The name under which [`Answers`] has the type, else its own.
fn type_name(name: &str, root: &Value) -> String {
    let reference = format!("#/$defs/{name}");
    let properties = root["properties"].as_object().unwrap();
    let known = properties
        .iter()
        .find(|(_, property)| property["$ref"] == reference.as_str());
    known.map_or(name, |(known, _)| known).to_owned()
}
