//! The reference of a custom resource, in Markdown, made from its definition.

use std::fmt::Write as _;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;

use super::crd;

/// The page of one definition: every field of the stored version.
pub fn markdown(definition: &CustomResourceDefinition) -> String {
    let mut page = String::new();
    let kind = &definition.spec.names.kind;
    let group = &definition.spec.group;
    let stored = definition
        .spec
        .versions
        .iter()
        .find(|version| version.storage);
    let version = stored
        .map(|version| version.name.as_str())
        .unwrap_or_default();
    let schema = crd::schema_of(definition, version).unwrap_or_default();
    let _ = writeln!(
        page,
        "# {kind}\n\nGenerated from the definition of `{group}/{version}`; do not edit.\n\n{}",
        text(&schema, "description"),
    );
    for version in &definition.spec.versions {
        if let Some(warning) = &version.deprecation_warning {
            let _ = writeln!(
                page,
                "\nAlso served as `{}`, converted without loss: {warning}.",
                version.name
            );
        }
    }
    for root in ["spec", "status"] {
        let _ = writeln!(page, "\n## {root}");
        let root_schema = &schema["properties"][root];
        let (sections, fields): (Vec<_>, Vec<_>) = children(root_schema)
            .partition(|(_, property)| children(of_items(property).0).next().is_some());
        if !fields.is_empty() {
            table(
                &mut page,
                fields
                    .iter()
                    .map(|(name, p)| ((*name).clone(), *p, is_required(root_schema, name))),
            );
        }
        for (name, property) in sections {
            let (inner, brackets) = of_items(property);
            let _ = writeln!(
                page,
                "\n### {root}.{name}{brackets}\n\n{}",
                text(property, "description")
            );
            let mut rows = Vec::new();
            collect("", inner, &mut rows);
            table(&mut page, rows.into_iter());
        }
    }
    page
}

/// Fields that are described; what has no description is Kubernetes' own.
fn children(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties.filter(|(_, property)| property.get("description").is_some())
}

/// The schema of the items of a list, or the schema itself, and what is written behind the name.
fn of_items(schema: &Value) -> (&Value, &'static str) {
    match schema.get("items") {
        Some(items) => (items, "[]"),
        None => (schema, ""),
    }
}

fn is_required(parent: &Value, name: &str) -> bool {
    let required = parent["required"].as_array().into_iter().flatten();
    required.into_iter().any(|required| required == name)
}

fn collect<'a>(prefix: &str, schema: &'a Value, rows: &mut Vec<(String, &'a Value, bool)>) {
    for (name, property) in children(schema) {
        let (inner, brackets) = of_items(property);
        let path = format!("{prefix}{name}");
        rows.push((path.clone(), property, is_required(schema, name)));
        collect(&format!("{path}{brackets}."), inner, rows);
    }
}

fn table<'a>(page: &mut String, rows: impl Iterator<Item = (String, &'a Value, bool)>) {
    page.push_str("\n| field | type | default | values | meaning |\n|---|---|---|---|---|\n");
    for (path, schema, is_required) in rows {
        let star = if is_required && schema.get("default").is_none() {
            " (required)"
        } else {
            ""
        };
        let _ = writeln!(
            page,
            "| `{path}`{star} | {} | {} | {} | {} |",
            kind(schema),
            default(schema),
            values(schema),
            escaped(text(schema, "description")),
        );
    }
}

fn text<'a>(schema: &'a Value, key: &str) -> &'a str {
    schema[key].as_str().unwrap_or_default()
}

fn kind(schema: &Value) -> String {
    if schema["x-kubernetes-int-or-string"] == true {
        let is_quantity = schema.get("pattern").is_some();
        return if is_quantity {
            "quantity"
        } else {
            "number or text"
        }
        .to_owned();
    }
    match text(schema, "type") {
        "array" => format!("list of {}", kind(&schema["items"])),
        "object" if schema.get("additionalProperties").is_some() => "map of text".to_owned(),
        "object" if children(schema).next().is_none() && schema.get("properties").is_some() => {
            "object, as in Kubernetes".to_owned()
        }
        "string" => "text".to_owned(),
        other => other.to_owned(),
    }
}

fn default(schema: &Value) -> String {
    match schema.get("default") {
        None => String::new(),
        Some(Value::Array(items)) if items.iter().any(Value::is_object) => {
            format!("{} entries", items.len())
        }
        Some(default) => format!("`{}`", escaped(&default.to_string())),
    }
}

/// What a value may be.
fn values(schema: &Value) -> String {
    let enumerated = schema.get("enum").or_else(|| schema["items"].get("enum"));
    if let Some(values) = enumerated.and_then(Value::as_array) {
        let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
        return values
            .join(", ")
            .replace("`\"", "`")
            .replace("\"`", "`")
            .replace("``", "empty");
    }
    let mut bounds = Vec::new();
    for (key, name) in [
        ("minimum", "at least"),
        ("maximum", "at most"),
        ("minItems", "at least this many:"),
        ("maxItems", "at most this many:"),
    ] {
        if let Some(bound) = schema.get(key).and_then(Value::as_f64) {
            bounds.push(format!("{name} {bound}"));
        }
    }
    if let Some(pattern) = schema
        .get("pattern")
        .filter(|_| text(schema, "type") == "string")
    {
        bounds.push(format!(
            "`{}`",
            escaped(pattern.as_str().unwrap_or_default())
        ));
    }
    bounds.join(", ")
}

/// A bar would end the cell.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}
