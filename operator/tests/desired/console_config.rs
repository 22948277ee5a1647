//! The configuration the console gets: what it is made of, and that our console can read it.

mod page;
mod schema;
mod sources;
mod tables;

use netobserv_operator::cluster::Facts;
use netobserv_operator::desired::Desired;
use serde_json::Value;

use crate::support::{self, find, kubernetes};

fn parsed(desired: &Desired) -> Value {
    let config_map = find(desired, "ConfigMap", "console-plugin-config").unwrap();
    serde_saphyr::from_str(config_map["data"]["config.yaml"].as_str().unwrap()).unwrap()
}

fn config_on(spec: &Value, facts: &Facts) -> Value {
    parsed(&support::desired(&with_modes(spec), facts))
}

/// The modes that the API server fills in.
fn with_modes(spec: &Value) -> Value {
    let mut spec = spec.clone();
    for (pointer, mode) in [("/loki", "Monolithic"), ("/prometheus/querier", "Auto")] {
        if let Some(section) = spec.pointer_mut(pointer) {
            let section = section.as_object_mut().unwrap();
            section.entry("mode").or_insert_with(|| mode.into());
        }
    }
    spec
}

fn config(spec: &Value) -> Value {
    config_on(spec, &kubernetes())
}

/// One value by its pointer, null where there is none.
fn check(spec: Value, facts: Facts, pointer: &str, expected: Value) {
    let config = config_on(&spec, &facts);
    let found = config.pointer(pointer).cloned().unwrap_or(Value::Null);
    assert_eq!(found, expected, "{pointer} of {spec}");
}
