//! Every configuration, against the pipeline's own schema.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{config, kafka, otlp};
use crate::support::{assert_fits, described};

/// Stage types that the operator writes and our pipeline does not run yet. This list may only shrink.
const UNKNOWN: [&str; 6] = [
    "encode/kafka",
    "encode/otlplogs",
    "encode/otlpmetrics",
    "extract/conntrack",
    "ingest/kafka",
    "write/ipfix",
];

/// Keys, by their place, that the operator writes and our pipeline does not act on yet. This list may only shrink.
const UNAVAILABLE: [&str; 5] = [
    "/dynamicParameters",
    "/parameters/extract",
    "/parameters/transform/network/kubeConfig",
    "/parameters/transform/network/rules/kubernetes",
    "/parameters/transform/network/rules/kubernetes_infra",
];

#[test]
fn every_configuration_fits_the_pipelines_schema() {
    let schema = include_str!("../../../contracts/vendored/flowlogs-pipeline/config.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut unknown = BTreeSet::new();
    let mut missing = BTreeSet::new();
    for model in ["Direct", "Service", "Kafka"] {
        for loki in ["LokiStack", "Monolithic"] {
            let spec = json!({"deploymentModel": model, "loki": {"mode": loki},
                "kafka": {"address": "k:9092", "topic": "flows"},
                "exporters": [kafka(), otlp(),
                    {"type": "IPFIX", "ipfix": {"targetHost": "h", "targetPort": 1, "enterpriseID": 2}}],
                "agent": {"ebpf": {"privileged": true, "features":
                    ["PacketDrop", "DNSTracking", "FlowRTT", "NetworkEvents", "PacketTranslation", "UDNMapping", "IPSec", "TLSTracking"]}},
                "processor": {"logTypes": "All", "logLevel": "trace", "addZone": true, "multiClusterDeployment": true,
                    "clusterName": "west", "deduper": {"mode": "Sample"},
                    "filters": [{"query": "a=1", "sampling": 2}, {"query": "a=1", "outputTarget": "Loki"}],
                    "subnetLabels": {"customLabels": [{"name": "Lab", "cidrs": ["8.8.4.0/24"]}]},
                    "metrics": {"server": {"tls": {"type": "Auto"}}}}});
            let (mut fixed, dynamic) = config(&spec);
            let more = dynamic["parameters"].as_array().unwrap().clone();
            let all = fixed["parameters"].as_array_mut().unwrap();
            all.extend(more);
            for parameters in all.iter() {
                unknown.extend(unknown_type(&schema, parameters));
            }
            let given = without_nulls(fixed);
            unavailable(&schema, &schema, &given, "", &mut missing);
            assert_fits(&validator, &given, &spec);
        }
    }
    assert_eq!(unknown, BTreeSet::from(UNKNOWN.map(str::to_owned)));
    assert_eq!(missing, BTreeSet::from(UNAVAILABLE.map(str::to_owned)));
}

/// Collects keys of `given` that its schema `node` lacks, or says are not available.
fn unavailable(
    schema: &Value,
    node: &Value,
    given: &Value,
    place: &str,
    missing: &mut BTreeSet<String>,
) {
    let node = described(schema, node);
    match given {
        Value::Array(items) => {
            for item in items {
                unavailable(schema, &node["items"], item, place, missing);
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                let place = format!("{place}/{key}");
                let property = match node["properties"].get(key) {
                    Some(property) => property,
                    None => &node["additionalProperties"],
                };
                let text = property["description"].as_str().unwrap_or_default();
                // Only a node that says what is inside of it can lack something.
                let is_known = node.get("properties").is_none() || !property.is_null();
                if !is_known
                    || text
                        .to_lowercase()
                        .contains("not available in this version")
                {
                    missing.insert(place);
                } else {
                    unavailable(schema, property, value, &place, missing);
                }
            }
        }
        _ => {}
    }
}

/// The pipeline takes a null for a key that is not there, which its schema does not say.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// `kind/type` of a stage whose settings the schema does not describe.
fn unknown_type(schema: &Value, parameters: &Value) -> Option<String> {
    let stage = parameters.as_object().unwrap();
    let (kind, body) = stage.iter().find(|(key, _)| *key != "name")?;
    let stage_type = body["type"].as_str().unwrap();
    let mut definition = kind.clone();
    definition[..1].make_ascii_uppercase();
    let types = &schema["$defs"][format!("{definition}Parameters")]["properties"];
    let is_known = types[stage_type].get("anyOf").is_some();
    (!is_known).then(|| format!("{kind}/{stage_type}"))
}
