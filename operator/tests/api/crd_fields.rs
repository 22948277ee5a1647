//! Every field of every version: path, type, whether required, default and bounds, against `tests/data/*.tsv`.
//!
//! The tables hold NetObserv's fields; what is ours beyond them stands in [`ADDITIONS`] and [`WIDENED`].

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use netobserv_operator::apis::crd;
use serde_json::{Map, Value, json};

/// Fields of our own.
const ADDITIONS: [&str; 7] = [
    "spec.loki.embedded",
    "spec.loki.embedded.retention",
    "spec.loki.embedded.retention.age",
    "spec.loki.embedded.retention.bytes",
    "spec.loki.embedded.storage",
    "spec.loki.embedded.storage.class",
    "spec.loki.embedded.storage.size",
];

/// Enums that take more values than NetObserv's, by version and path.
const WIDENED: [(&str, &str, &[&str]); 8] = [
    ("v1beta2", "spec.loki.mode", &["Embedded"]),
    ("v1beta1", "spec.deploymentModel", &["SERVICE"]),
    ("v1beta1", "spec.exporters[].type", &["OPEN_TELEMETRY"]),
    ("v1beta1", "spec.agent.ebpf.features", &["TLSTracking"]),
    (
        "v1beta1",
        "spec.processor.metrics.includeList",
        &[
            "namespace_ipsec_flows_total",
            "namespace_network_policy_events_total",
            "node_network_policy_events_total",
            "workload_ipsec_flows_total",
            "workload_network_policy_events_total",
            "node_sampling",
            "namespace_sampling",
            "workload_sampling",
        ],
    ),
    ("v1beta2", "spec.processor.metrics.includeList", &SAMPLING),
    (
        "v1beta2",
        "spec.processor.metrics.additionalIncludeList",
        &SAMPLING,
    ),
    ("v1beta1", "spec.processor.metrics.disableAlerts", &["*"]),
];

/// Metrics that NetObserv makes, converts to, and does not let a user list.
const SAMPLING: [&str; 3] = ["node_sampling", "namespace_sampling", "workload_sampling"];

/// Shapes of Kubernetes that the tables name but do not spell out, by a key only they have.
const SHAPES: [(&str, &str); 2] = [
    ("Affinity", "podAntiAffinity"),
    ("MetricSpec", "containerResource"),
];

/// What is compared of one field.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    kind: String,
    is_required: bool,
    constraints: Value,
}

fn rows_of_table(file: &str) -> BTreeMap<String, Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(file);
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<_> = line.split('\t').collect();
            let constraints = match cells[3] {
                "" => json!({}),
                text => serde_json::from_str(text).unwrap(),
            };
            let row = Row {
                kind: cells[1].to_owned(),
                is_required: cells[2] == "yes",
                constraints: sorted(constraints),
            };
            (cells[0].to_owned(), row)
        })
        .collect()
}

/// Without the order of an enum's values.
fn sorted(mut constraints: Value) -> Value {
    for path in ["/enum", "/items/enum"] {
        if let Some(values) = constraints.pointer_mut(path).and_then(Value::as_array_mut) {
            values.sort_by_key(ToString::to_string);
        }
    }
    constraints
}

fn rows_of_schema(schema: &Value) -> BTreeMap<String, Row> {
    let mut rows = BTreeMap::new();
    for root in ["spec", "status"] {
        let property = &schema["properties"][root];
        walk(root, property, false, &mut rows);
    }
    rows
}

fn walk(path: &str, schema: &Value, is_required: bool, rows: &mut BTreeMap<String, Row>) {
    let (kind, inner) = kind(schema);
    rows.insert(
        path.to_owned(),
        Row {
            kind: kind.clone(),
            is_required,
            constraints: sorted(constraints(schema)),
        },
    );
    if SHAPES
        .iter()
        .any(|(name, _)| kind.trim_start_matches("[]") == *name)
    {
        return;
    }
    let Some(inner) = inner else { return };
    let list = if kind.starts_with("[]") { "[]" } else { "" };
    let required: Vec<_> = inner["required"].as_array().into_iter().flatten().collect();
    for (name, property) in inner["properties"].as_object().into_iter().flatten() {
        let is_required = required.iter().any(|r| *r == name);
        walk(&format!("{path}{list}.{name}"), property, is_required, rows);
    }
}

/// Type in the words of the tables, and the schema whose properties come next.
fn kind(schema: &Value) -> (String, Option<&Value>) {
    if schema["x-kubernetes-int-or-string"] == true {
        let kind = if schema.get("pattern").is_some() {
            "quantity"
        } else {
            "int-or-string"
        };
        return (kind.to_owned(), None);
    }
    match (schema["type"].as_str().unwrap(), schema["format"].as_str()) {
        ("array", _) => {
            let (items, inner) = kind(&schema["items"]);
            (format!("[]{items}"), inner)
        }
        ("object", _) if schema.get("additionalProperties").is_some() => {
            let (values, _) = kind(&schema["additionalProperties"]);
            (format!("map[string]{values}"), None)
        }
        ("object", _) => {
            let shape = SHAPES
                .iter()
                .find(|(_, key)| schema["properties"].get(key).is_some());
            (
                shape.map_or("object", |(name, _)| name).to_owned(),
                Some(schema),
            )
        }
        (_, Some(format)) => (format.to_owned(), None),
        (kind, None) => (kind.to_owned(), None),
    }
}

/// Keys of a schema that are no constraints, or are compared as the kind.
const NOT_CONSTRAINTS: [&str; 7] = [
    "description",
    "properties",
    "required",
    "type",
    "format",
    "anyOf",
    "x-kubernetes-int-or-string",
];

fn constraints(schema: &Value) -> Value {
    let is_quantity = schema["x-kubernetes-int-or-string"] == true;
    let mut kept = Map::new();
    for (key, value) in schema.as_object().unwrap() {
        if NOT_CONSTRAINTS.contains(&key.as_str()) || (is_quantity && key == "pattern") {
            continue;
        }
        let (key, value) = match key.as_str() {
            "x-kubernetes-validations" => ("rule", value[0]["rule"].clone()),
            "minimum" | "maximum" => (key.as_str(), json!(value.as_f64().unwrap() as i64)),
            // What objects in a list hold is compared field by field.
            "items" if value["type"] == "object" => ("items", json!({})),
            "items" => ("items", constraints(value)),
            "additionalProperties" => ("values", constraints(value)),
            key => (key, value.clone()),
        };
        let is_empty = ["items", "values"].contains(&key) && value == json!({});
        if !is_empty {
            kept.insert(key.to_owned(), value);
        }
    }
    Value::Object(kept)
}

/// Takes the values of our own out of an enum, after checking that they are there.
fn narrow(version: &str, path: &str, row: &mut Row, expected: &Row) {
    for (_, _, extra) in WIDENED.iter().filter(|w| (w.0, w.1) == (version, path)) {
        if *extra == ["*"] {
            assert_eq!(row.constraints, json!({}), "{path} takes every value");
            row.constraints = expected.constraints.clone();
            continue;
        }
        let list = if row.kind == "[]string" {
            "/items/enum"
        } else {
            "/enum"
        };
        let values = row
            .constraints
            .pointer_mut(list)
            .unwrap()
            .as_array_mut()
            .unwrap();
        for value in *extra {
            let at = values.iter().position(|v| v == value);
            values.remove(at.unwrap_or_else(|| panic!("{version} {path} lacks {value}")));
        }
    }
}

#[test]
fn every_field_is_the_one_of_the_tables() {
    let mut compared = 0;
    for definition in crd::all().unwrap() {
        for version in &definition.spec.versions {
            let schema = version.schema.as_ref().unwrap().open_api_v3_schema.as_ref();
            let schema = serde_json::to_value(schema.unwrap()).unwrap();
            let singular = definition.spec.names.singular.as_ref().unwrap();
            let file = format!("{singular}_{}.tsv", version.name);
            let expected = rows_of_table(&file);
            let mut found = rows_of_schema(&schema);
            if version.name == "v1beta2" {
                for path in ADDITIONS {
                    assert!(found.remove(path).is_some(), "addition {path}");
                }
            }
            let missing: Vec<_> = expected
                .keys()
                .filter(|p| !found.contains_key(*p))
                .collect();
            let unknown: Vec<_> = found
                .keys()
                .filter(|p| !expected.contains_key(*p))
                .collect();
            assert!(
                missing.is_empty() && unknown.is_empty(),
                "{file}: missing {missing:#?}, unknown {unknown:#?}"
            );
            for (path, expected) in &expected {
                let mut row = found[path].clone();
                narrow(&version.name, path, &mut row, expected);
                assert_eq!(&row, expected, "{file} {path}");
                compared += 1;
            }
        }
    }
    assert!(compared > 850, "only {compared} fields were compared");
}

/// Lists and maps inside of the shapes of Kubernetes are replaced as a whole, as the API server does elsewhere.
#[test]
fn lists_of_kubernetes_shapes_are_atomic() {
    fn check(path: &str, schema: &Value, seen: &mut usize) {
        if schema["type"] == "array" {
            assert_eq!(schema["x-kubernetes-list-type"], "atomic", "{path}");
            *seen += 1;
        }
        assert!(
            path.ends_with(".affinity") || schema.get("description").is_none(),
            "{path}"
        );
        check_children(path, schema, seen);
    }
    fn check_children(path: &str, schema: &Value, seen: &mut usize) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            check(&format!("{path}.{name}"), property, seen);
        }
        check_items(path, schema, seen);
    }
    fn check_items(path: &str, schema: &Value, seen: &mut usize) {
        if let Some(items) = schema.get("items") {
            check_children(&format!("{path}[]"), items, seen);
        }
    }
    let schema = crd::schema_of(&crd::flowcollector().unwrap(), "v1beta2").unwrap();
    let spec = "/properties/spec/properties";
    let affinity = schema
        .pointer(&format!(
            "{spec}/agent/properties/ebpf/properties/advanced/properties/scheduling/properties/affinity"
        ))
        .unwrap();
    let mut seen = 0;
    check("agent.affinity", affinity, &mut seen);
    assert!(seen >= 20, "only {seen} lists");
    for pointer in [
        "/properties/nodeAffinity/properties/requiredDuringSchedulingIgnoredDuringExecution",
        "/properties/podAffinity/properties/requiredDuringSchedulingIgnoredDuringExecution/items/properties/labelSelector",
    ] {
        assert_eq!(
            affinity.pointer(pointer).unwrap()["x-kubernetes-map-type"],
            "atomic",
            "{pointer}"
        );
    }
    let metrics = schema
        .pointer(&format!(
            "{spec}/processor/properties/kafkaConsumerAutoscaler/properties/metrics/items"
        ))
        .unwrap();
    assert_eq!(metrics["required"], json!(["type"]));
    let value = metrics.pointer("/properties/resource/properties/target/properties/averageValue");
    assert_eq!(value.unwrap()["x-kubernetes-int-or-string"], true);
}

#[test]
fn only_one_flowcollector_may_exist_in_any_version() {
    let definition = crd::flowcollector().unwrap();
    for version in &definition.spec.versions {
        let schema = crd::schema_of(&definition, &version.name).unwrap();
        let name = schema.pointer("/properties/metadata/properties/name");
        assert_eq!(
            name.unwrap(),
            &json!({ "type": "string", "pattern": "^cluster$" }),
            "{}",
            version.name
        );
    }
}

#[test]
fn columns_are_those_of_the_tables() {
    let ready = ".status.conditions[?(@.type==\"Ready\")].reason";
    for (definition, version, expected) in [
        (
            crd::flowcollector(),
            "v1beta2",
            vec![
                ("Agent", ".status.components.agent.state"),
                ("Processor", ".status.components.processor.state"),
                ("Plugin", ".status.components.plugin.state"),
                ("Sampling", ".spec.agent.ebpf.sampling"),
                ("Deployment Model", ".spec.deploymentModel"),
                ("Status", ready),
                (
                    "Warnings",
                    ".status.conditions[?(@.type==\"ConfigurationIssue\")].message",
                ),
            ],
        ),
        (
            crd::flowcollector(),
            "v1beta1",
            vec![
                ("Agent", ".spec.agent.type"),
                ("Sampling (EBPF)", ".spec.agent.ebpf.sampling"),
                ("Deployment Model", ".spec.deploymentModel"),
                ("Status", ready),
            ],
        ),
        (
            crd::flowmetric(),
            "v1alpha1",
            vec![
                ("Metric Name", ".status.prometheusName"),
                ("Status", ready),
                (
                    "Cardinality",
                    ".status.conditions[?(@.type==\"CardinalityWarning\")].reason",
                ),
            ],
        ),
        (crd::flowcollectorslice(), "v1alpha1", vec![]),
    ] {
        let definition = definition.unwrap();
        let version = definition
            .spec
            .versions
            .iter()
            .find(|v| v.name == version)
            .unwrap();
        let columns: Vec<_> = version
            .additional_printer_columns
            .iter()
            .flatten()
            .map(|column| (column.name.as_str(), column.json_path.as_str()))
            .collect();
        assert_eq!(
            columns, expected,
            "{} {}",
            definition.spec.names.kind, version.name
        );
    }
}

#[test]
fn the_namespace_cannot_change() {
    let schema = crd::schema_of(&crd::flowcollector().unwrap(), "v1beta2").unwrap();
    let object = |namespace: &str| json!({ "spec": { "namespace": namespace } });
    for (old, new, is_accepted) in [
        (object("obs"), object("obs"), true),
        (object("obs"), object("obs2"), false),
    ] {
        let result = kube::core::cel::Validator::new().validate(&schema, &new, Some(&old));
        assert_eq!(result.is_ok(), is_accepted, "{old} -> {new}: {result:?}");
    }
}
