//! Every property of the specification acts on something: setting it changes what is deployed or reported. Those that act
//! nowhere are listed here with the reason, a list that may only shrink.

use std::sync::LazyLock;

use crate::mounts::with_references;
use crate::support;
use netobserv_operator::apis::flowcollector::v1beta2::FlowCollectorSpec;
use netobserv_operator::apis::schema;
use netobserv_operator::cluster::Facts;
use netobserv_operator::desired::Desired;
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

/// Part of every reference to a certificate.
const OF_AUTHORITY: &str = "the key of an authority is no use to who checks a certificate";

/// As with NetObserv, which never shows it; admission warns.
const NOT_SHOWN: &str = "no certificate is shown to this server";

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
        "spec.exporters[].openTelemetry.tls.caCert.certKey",
        OF_AUTHORITY,
    ),
    ("spec.loki.manual.statusTls.caCert.certKey", OF_AUTHORITY),
    ("spec.loki.manual.tls.caCert.certKey", OF_AUTHORITY),
    ("spec.loki.manual.tls.userCert.certFile", NOT_SHOWN),
    ("spec.loki.manual.tls.userCert.certKey", NOT_SHOWN),
    ("spec.loki.manual.tls.userCert.name", NOT_SHOWN),
    ("spec.loki.manual.tls.userCert.namespace", NOT_SHOWN),
    ("spec.loki.manual.tls.userCert.type", NOT_SHOWN),
    ("spec.loki.microservices.tls.caCert.certKey", OF_AUTHORITY),
    ("spec.loki.monolithic.tls.caCert.certKey", OF_AUTHORITY),
    (
        "spec.namespace",
        "the scope, which these tests are given: reconcile_life moves it",
    ),
    ("spec.processor.advanced.dropUnusedFields", GONE),
    ("spec.processor.advanced.secondaryNetworks[].name", GONE),
    (
        "spec.prometheus.querier.manual.alertManager.tls.caCert.certKey",
        OF_AUTHORITY,
    ),
    (
        "spec.prometheus.querier.manual.alertManager.tls.userCert.certFile",
        NOT_SHOWN,
    ),
    (
        "spec.prometheus.querier.manual.alertManager.tls.userCert.certKey",
        NOT_SHOWN,
    ),
    (
        "spec.prometheus.querier.manual.alertManager.tls.userCert.name",
        NOT_SHOWN,
    ),
    (
        "spec.prometheus.querier.manual.alertManager.tls.userCert.namespace",
        NOT_SHOWN,
    ),
    (
        "spec.prometheus.querier.manual.alertManager.tls.userCert.type",
        NOT_SHOWN,
    ),
    (
        "spec.prometheus.querier.manual.tls.caCert.certKey",
        OF_AUTHORITY,
    ),
    (
        "spec.prometheus.querier.manual.tls.userCert.certFile",
        NOT_SHOWN,
    ),
    (
        "spec.prometheus.querier.manual.tls.userCert.certKey",
        NOT_SHOWN,
    ),
    (
        "spec.prometheus.querier.manual.tls.userCert.name",
        NOT_SHOWN,
    ),
    (
        "spec.prometheus.querier.manual.tls.userCert.namespace",
        NOT_SHOWN,
    ),
    (
        "spec.prometheus.querier.manual.tls.userCert.type",
        NOT_SHOWN,
    ),
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
pub fn defaulted(mut spec: Value) -> Value {
    schema::fill_defaults(&SCHEMA, &mut spec);
    spec
}

/// All that the specification brings about. What it refers to is there, so that only its use counts.
fn effect(spec: &Value, facts: &Facts) -> String {
    let Desired {
        items,
        problems,
        registrations,
        ..
    } = with_references(spec, facts);
    format!("{items:?} {problems:?} {registrations:?}")
}

#[test]
fn every_property_acts() {
    let mut inert = Vec::new();
    for property in crate::set_properties::all() {
        let given = defaulted(property.spec.clone());
        let clusters = [support::kubernetes(), support::console_plugins("4.19.3")];
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
