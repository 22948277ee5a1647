//! Every property of the specification acts on something: setting it changes what is deployed or reported. Those that act
//! nowhere are listed here with the reason, a list that may only shrink.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod desired;
#[path = "support/properties.rs"]
mod properties;

use std::sync::LazyLock;

use desired::Beside;
use netobserv_operator::apis::flowcollector::v1beta2::FlowCollectorSpec;
use netobserv_operator::apis::schema;
use netobserv_operator::cluster::Facts;
use netobserv_operator::desired::{Desired, objects, references};
use serde_json::{Value, json};

static SCHEMA: LazyLock<Value> = LazyLock::new(schema::structural::<FlowCollectorSpec>);

/// One of these is another one than whatever a property was set to.
const VALUES: &[&str] = &[
    "true",
    "false",
    "[]",
    "{}",
    r#""another""#,
    r#""Disabled""#,
    r#""Provided""#,
    r#""IPFIX""#,
    r#""UDP""#,
    r#""AlwaysCollect""#,
    r#""Embedded""#,
    r#""Recording""#,
    r#""LatencyHighTrend""#,
    r#""Namespace""#,
];

/// Deprecated without an effect; kept so that objects of former versions stay valid.
const GONE: &str = "deprecated";

/// Properties that change nothing.
const INERT: &[(&str, &str)] = &[
    ("spec.agent.ipfix.cacheActiveTimeout", GONE),
    ("spec.agent.ipfix.cacheMaxFlows", GONE),
    ("spec.agent.ipfix.clusterNetworkOperator.namespace", GONE),
    ("spec.agent.ipfix.forceSampleAll", GONE),
    ("spec.agent.ipfix.ovnKubernetes.containerName", GONE),
    ("spec.agent.ipfix.ovnKubernetes.daemonSetName", GONE),
    ("spec.agent.ipfix.ovnKubernetes.namespace", GONE),
    ("spec.agent.ipfix.sampling", GONE),
    ("spec.agent.type", GONE),
    (
        "spec.loki.manual.tls.userCert.namespace",
        "Loki's client certificates are read where the components are; only its authority is copied",
    ),
    (
        "spec.namespace",
        "the scope, which these tests are given: reconcile_life moves it",
    ),
    ("spec.processor.advanced.dropUnusedFields", GONE),
    ("spec.processor.advanced.secondaryNetworks[].name", GONE),
];

/// The specification without the property, and with other values of it, as far as they are valid.
fn others(spec: &Value, path: &str) -> Vec<Value> {
    let pointer = path
        .trim_start_matches("spec")
        .replace("[]", ".0")
        .replace('.', "/");
    let (parent, name) = pointer
        .rsplit_once('/')
        .expect("a path below the specification");
    let mut without = spec.clone();
    let object = without
        .pointer_mut(parent)
        .and_then(Value::as_object_mut)
        .expect("an object with the property");
    let value = object.remove(name).expect("a value");
    let next = json!(value.as_i64().unwrap_or_default() + 1);
    let other = |other: Value| {
        let mut spec = spec.clone();
        *spec.pointer_mut(&pointer).expect("the property") = other;
        spec
    };
    VALUES
        .iter()
        .map(|text| serde_json::from_str(text).expect("JSON"))
        .chain([next])
        .map(other)
        .chain([without])
        .map(defaulted)
        .filter(is_whole)
        .collect()
}

fn is_whole(spec: &Value) -> bool {
    serde_json::from_value::<FlowCollectorSpec>(spec.clone()).is_ok()
}

/// As the API server fills it in.
fn defaulted(mut spec: Value) -> Value {
    schema::fill_defaults(&SCHEMA, &mut spec);
    spec
}

/// All that the specification brings about.
fn effect(spec: &Value, facts: &Facts) -> String {
    desired::ask(spec, facts, &Beside::default(), |inputs| {
        let Desired {
            items,
            problems,
            registrations,
            ..
        } = objects(inputs).expect("objects");
        let references = references::all(inputs);
        format!("{items:?} {problems:?} {registrations:?} {references:?}")
    })
}

#[test]
fn every_property_acts() {
    let mut inert = Vec::new();
    for property in properties::all() {
        let given = defaulted(property.spec.clone());
        let clusters = [desired::kubernetes(), desired::console_plugins("4.19.3")];
        let acts = clusters.iter().any(|facts| {
            let effect = effect(&given, facts);
            let mut others = others(&property.spec, &property.path).into_iter();
            others.any(|other| self::effect(&other, facts) != effect)
        });
        if !acts {
            inert.push(property.path);
        }
    }
    let expected: Vec<_> = INERT.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(inert, expected, "{inert:#?}");
}
