//! Every configuration, against our console's own schema.

use std::collections::BTreeSet;

use netobserv_operator::desired::LokiStack;
use serde_json::{Value, json};

use super::{parsed, with_modes};
use crate::support::{self, assert_fits, console_plugins, described, kubernetes};

/// Keys that our console does not read; the list may only shrink. Its schema has no property of the name `default`.
const UNKNOWN: [&str; 22] = [
    "frontend.columns.default",
    "frontend.quickFilters.default",
    "loki.caPath",
    "loki.forwardUserToken",
    "loki.labels",
    "loki.skipTls",
    "loki.status",
    "loki.statusCaPath",
    "loki.statusSkipTls",
    "loki.statusUrl",
    "loki.statusUserCertPath",
    "loki.statusUserKeyPath",
    "loki.tenantID",
    "loki.timeout",
    "loki.tokenPath",
    "prometheus.alertManager",
    "prometheus.caPath",
    "prometheus.forwardUserToken",
    "prometheus.metrics",
    "prometheus.skipTls",
    "prometheus.timeout",
    "prometheus.tokenPath",
];

#[test]
fn every_configuration_fits_our_consoles_schema() {
    let schema = include_str!("../../../contracts/vendored/console-plugin/config.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut unknown = BTreeSet::new();
    let tls = json!({"enable": true, "caCert": {"name": "c", "certFile": "f"}});
    let skip = json!({"enable": true, "insecureSkipVerify": true});
    let metrics = json!({"server": {"tls": {"type": "Auto"}}});
    for (spec, facts) in [
        (json!({"loki": {"enable": false}}), kubernetes()),
        (json!({}), kubernetes()),
        (
            json!({"loki": {"mode": "LokiStack"}}),
            console_plugins("4.19.3"),
        ),
        (
            json!({"loki": {"mode": "Microservices", "microservices": {"tls": tls}}}),
            kubernetes(),
        ),
        (
            json!({"loki": {"mode": "Manual", "manual": {"authToken": "Host", "statusUrl": "http://s/", "tls": skip, "statusTls": skip}},
                "prometheus": {"querier": {"mode": "Manual", "manual": {"tls": skip, "alertManager": {"url": "http://a/"}}}}}),
            kubernetes(),
        ),
        (json!({"loki": {"mode": "Embedded"}}), kubernetes()),
        (
            json!({"loki": {"mode": "Embedded"}, "processor": {"metrics": metrics}, "agent": {"ebpf": {"metrics": metrics}},
                "consolePlugin": {"resources": {"limits": {"memory": "1Gi"}}}}),
            console_plugins("4.19.3"),
        ),
    ] {
        let stack = LokiStack::of("netobserv", "loki", &json!({}));
        let spec = with_modes(&spec);
        let desired = if spec["loki"]["mode"] == "LokiStack" {
            support::desired_on(&spec, &facts, &stack)
        } else {
            support::desired(&spec, &facts)
        };
        let config = parsed(&desired);
        assert_fits(&validator, &config, &spec);
        collect_unknown(&schema, &schema, &config, "", &mut unknown);
    }
    assert_eq!(unknown, BTreeSet::from(UNKNOWN.map(str::to_owned)));
}

/// Paths of the keys that a schema does not describe.
fn collect_unknown(
    root: &Value,
    schema: &Value,
    value: &Value,
    path: &str,
    unknown: &mut BTreeSet<String>,
) {
    let schema = described(root, schema);
    match value {
        Value::Array(items) => {
            for item in items {
                collect_unknown(root, &schema["items"], item, path, unknown);
            }
        }
        Value::Object(fields) if schema.get("properties").is_some() => {
            for (key, value) in fields {
                let path = format!("{path}.{key}").trim_start_matches('.').to_owned();
                match schema["properties"].get(key) {
                    Some(schema) => collect_unknown(root, schema, value, &path, unknown),
                    None => {
                        unknown.insert(path);
                    }
                }
            }
        }
        _ => {}
    }
}
