//! Reading an object into its type and writing it back changes nothing: no field is lost, none is added.

use netobserv_operator::apis::crd;
use netobserv_operator::apis::flowcollector::FlowCollector;
use netobserv_operator::apis::flowcollector::v1beta2::FlowCollectorSpec;
use netobserv_operator::apis::flowcollectorslice::FlowCollectorSlice;
use netobserv_operator::apis::flowmetric::FlowMetric;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Quantities are written as texts: `1` becomes `"1"`. The API server takes both.
fn with_quantities_as_texts(schema: &Value, value: &mut Value) {
    if schema["x-kubernetes-int-or-string"] == true && schema.get("pattern").is_some() {
        if let Some(number) = value.as_i64() {
            *value = json!(number.to_string());
        }
        return;
    }
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let of_field = schema["properties"].get(key);
                let schema = of_field.or_else(|| schema.get("additionalProperties"));
                with_quantities_as_texts(schema.unwrap_or(&Value::Null), value);
            }
        }
        Value::Array(items) => {
            for item in items {
                with_quantities_as_texts(&schema["items"], item);
            }
        }
        _ => {}
    }
}

fn check<T: Serialize + DeserializeOwned>(kind: &str, plural: &str, version: &str) {
    let definitions = crd::all().unwrap();
    let definition = definitions
        .iter()
        .find(|d| d.spec.names.plural == plural)
        .unwrap();
    let schema = crd::schema_of(definition, version).unwrap();
    let contents = ["spec", "status"].map(|key| crate::values::values(&schema["properties"][key]));
    let config = Config {
        cases: 64,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&contents, |[spec, status]| {
            let mut object = json!({
                "apiVersion": format!("flows.netobserv.io/{version}"),
                "kind": kind,
                "metadata": { "name": "x" },
                "spec": spec,
                "status": status,
            });
            let typed: T = serde_json::from_value(object.clone()).unwrap();
            with_quantities_as_texts(&schema, &mut object);
            prop_assert_eq!(serde_json::to_value(typed).unwrap(), object);
            Ok(())
        })
        .unwrap();
}

#[test]
fn objects_stay_as_they_are() {
    check::<FlowCollector>("FlowCollector", "flowcollectors", "v1beta2");
    check::<FlowMetric>("FlowMetric", "flowmetrics", "v1alpha1");
    check::<FlowCollectorSlice>("FlowCollectorSlice", "flowcollectorslices", "v1alpha1");
}

/// The API server allows an object without `spec` and `status`.
#[test]
fn an_object_may_have_nothing_but_a_name() {
    let object = json!({ "metadata": { "name": "cluster" } });
    let typed: FlowCollector = serde_json::from_value(object).unwrap();
    assert_eq!(typed.spec, FlowCollectorSpec::default());
    assert_eq!(typed.status, None);
}
