//! The configuration the pipeline gets, in its two parts.

mod metrics;
mod parameters;
mod schema;
mod stages;

use netobserv_operator::cluster::Facts;
use serde_json::{Value, json};

use crate::support::{self, find, kubernetes};

/// Fixed and dynamic part.
fn config_on(spec: &Value, facts: &Facts) -> (Value, Value) {
    let app = if spec["deploymentModel"] == "Kafka" {
        "flowlogs-pipeline-transformer"
    } else {
        "flowlogs-pipeline"
    };
    let desired = support::desired(spec, facts);
    let part = |suffix| {
        let name = format!("{app}-{suffix}");
        let config_map = find(&desired, "ConfigMap", &name).unwrap();
        serde_json::from_str(config_map["data"]["config.json"].as_str().unwrap()).unwrap()
    };
    (part("config"), part("config-dynamic"))
}

fn config(spec: &Value) -> (Value, Value) {
    config_on(spec, &kubernetes())
}

/// The parameters of one stage, without its name.
fn stage(parts: &(Value, Value), name: &str) -> Value {
    let all = [&parts.0, &parts.1];
    let mut found = all
        .iter()
        .flat_map(|part| part["parameters"].as_array().unwrap())
        .filter(|stage| stage["name"] == name);
    let stage = found.next().unwrap_or_else(|| panic!("no stage {name}"));
    assert!(found.next().is_none(), "{name} is there twice");
    let mut stage = stage.clone();
    stage.as_object_mut().unwrap().remove("name");
    stage
}

/// An OpenTelemetry exporter with everything on.
fn otlp() -> Value {
    json!({"type": "OpenTelemetry", "openTelemetry": {"targetHost": "otel", "targetPort": 4317}})
}

fn kafka() -> Value {
    json!({"type": "Kafka", "kafka": {"address": "k:9092", "topic": "out"}})
}
