//! Whatever an object holds, it comes back; odd ones do no harm.

use netobserv_operator::apis::flowcollector::convert::{V1BETA1_DATA, V1BETA2_DATA, convert};
use netobserv_operator::apis::schema;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::{NEW, OLD, object, other, schema_of};
use crate::values::values;

/// Whole objects of a version.
fn any_object(api_version: &'static str) -> impl Strategy<Value = Value> {
    let schema = schema_of(api_version);
    let content = ["spec", "status"].map(|key| values(&schema["properties"][key]));
    content.prop_map(move |[spec, status]| {
        let mut object = object(api_version, spec);
        object["status"] = status;
        object
    })
}

fn check_all(api_version: &'static str, test: impl Fn(Value) -> Result<(), TestCaseError>) {
    let config = Config {
        cases: 64,
        max_shrink_iters: 2000,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&any_object(api_version), test)
        .unwrap();
}

/// As the API server does with every object it reads.
fn filled(mut object: Value) -> Value {
    let schema = schema_of(object["apiVersion"].as_str().unwrap());
    schema::fill_defaults(&schema, &mut object);
    object
}

fn without_data(mut object: Value) -> Value {
    for name in [V1BETA1_DATA, V1BETA2_DATA] {
        if let Some(annotations) = object["metadata"].get_mut("annotations") {
            annotations.as_object_mut().unwrap().remove(name);
            if annotations == &json!({}) {
                object["metadata"]
                    .as_object_mut()
                    .unwrap()
                    .remove("annotations");
            }
        }
    }
    object
}

#[test]
fn there_and_back_is_the_same_object() {
    for from in [OLD, NEW] {
        check_all(from, |object| {
            let there = convert(object.clone(), other(from)).unwrap();
            prop_assert_eq!(convert(there, from).unwrap(), object);
            Ok(())
        });
    }
}

/// The API server fills in defaults on every way; that changes nothing but these.
#[test]
fn there_and_back_through_the_api_server_is_the_same_object() {
    for from in [OLD, NEW] {
        let schemas = [schema_of(OLD), schema_of(NEW)];
        let fill = |mut object: Value| {
            let is_new = object["apiVersion"] == NEW;
            schema::fill_defaults(&schemas[usize::from(is_new)], &mut object);
            object
        };
        check_all(from, |object| {
            let object = fill(object);
            let there = fill(convert(object.clone(), other(from)).unwrap());
            let back = fill(convert(there, from).unwrap());
            prop_assert_eq!(without_data(back), object);
            Ok(())
        });
    }
}

/// Otherwise whoever reads an object in the old version could not write it back.
#[test]
fn what_is_read_in_the_old_version_is_valid_there() {
    let schema = schema_of(OLD);
    let validator = jsonschema::validator_for(&schema).unwrap();
    check_all(NEW, |object| {
        let there = convert(filled(object), OLD).unwrap();
        let problems: Vec<_> = validator
            .iter_errors(&there)
            .map(|e| format!("{e} at {}", e.instance_path()))
            .collect();
        prop_assert!(problems.is_empty(), "{:?}", problems);
        Ok(())
    });
}

/// Whatever is sent: it is converted or refused, and never a panic.
#[test]
fn odd_objects_do_no_harm() {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z]{0,3}".prop_map(Value::from),
    ];
    let keys = [
        "spec",
        "status",
        "metadata",
        "annotations",
        "loki",
        "manual",
        "mode",
        "processor",
        "metrics",
        "exporters",
        "kafka",
        "advanced",
        "ignoreTags",
        "agent",
        "ebpf",
        "debug",
        V1BETA1_DATA,
        V1BETA2_DATA,
    ];
    let odd = leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(prop::sample::select(keys.to_vec()), inner, 0..6)
                .prop_map(|map| map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    });
    let objects = (odd, prop::sample::select(vec![OLD, NEW]));
    TestRunner::default()
        .run(&objects, |(mut object, from)| {
            if let Some(object) = object.as_object_mut() {
                object.insert("apiVersion".to_owned(), json!(from));
                object
                    .entry("metadata")
                    .or_insert_with(|| json!({ "name": "cluster" }));
            }
            let _ = convert(object, other(from));
            Ok(())
        })
        .unwrap();
}
