//! Conversion between the versions of FlowCollector: nothing is lost, edits win, and what a value becomes. Long, since
//! each value is a row of its own.

use netobserv_operator::apis::flowcollector::convert::{V1BETA1_DATA, V1BETA2_DATA, convert};
use netobserv_operator::apis::{crd, schema};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::values::values;

const OLD: &str = "flows.netobserv.io/v1beta1";
const NEW: &str = "flows.netobserv.io/v1beta2";

fn object(api_version: &str, spec: Value) -> Value {
    json!({ "apiVersion": api_version, "kind": "FlowCollector", "metadata": { "name": "cluster" }, "spec": spec })
}

/// Schema of the objects of a version.
fn schema_of(api_version: &str) -> Value {
    let version = api_version.rsplit('/').next().unwrap();
    crd::schema_of(&crd::flowcollector().unwrap(), version).unwrap()
}

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

fn other(api_version: &str) -> &'static str {
    if api_version == OLD { NEW } else { OLD }
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

#[test]
fn values_become_those_of_the_other_version() {
    let quiet = |loki: Value| json!({ "loki": loki });
    for (from, spec, path, expected) in [
        (
            OLD,
            json!({ "processor": { "logTypes": "ENDED_CONVERSATIONS" } }),
            "/processor/logTypes",
            json!("EndedConversations"),
        ),
        (
            NEW,
            json!({ "processor": { "logTypes": "EndedConversations" } }),
            "/processor/logTypes",
            json!("ENDED_CONVERSATIONS"),
        ),
        (
            OLD,
            json!({ "agent": { "type": "EBPF" } }),
            "/agent/type",
            json!("eBPF"),
        ),
        (
            NEW,
            json!({ "agent": { "type": "eBPF" } }),
            "/agent/type",
            json!("EBPF"),
        ),
        (
            OLD,
            json!({ "agent": { "type": "IPFIX" } }),
            "/agent/type",
            json!("IPFIX"),
        ),
        (
            NEW,
            json!({ "agent": { "type": "IPFIX" } }),
            "/agent/type",
            json!("IPFIX"),
        ),
        (
            OLD,
            json!({ "kafka": { "address": "k", "topic": "t", "sasl": { "type": "SCRAM-SHA512" } } }),
            "/kafka/sasl/type",
            json!("ScramSHA512"),
        ),
        (
            NEW,
            json!({ "kafka": { "address": "k", "topic": "t", "sasl": { "type": "ScramSHA512" } } }),
            "/kafka/sasl/type",
            json!("SCRAM-SHA512"),
        ),
        (
            NEW,
            json!({ "exporters": [{ "type": "Kafka" }, { "type": "OpenTelemetry" }] }),
            "/exporters/1/type",
            json!("OPEN_TELEMETRY"),
        ),
        (
            OLD,
            json!({ "exporters": [{ "type": "KAFKA", "kafka": { "address": "", "topic": "", "sasl": { "type": "PLAIN" } } }] }),
            "/exporters/0/kafka/sasl/type",
            json!("Plain"),
        ),
        (
            OLD,
            json!({ "deploymentModel": "" }),
            "/deploymentModel",
            json!(""),
        ),
        (
            NEW,
            json!({ "deploymentModel": "Service" }),
            "/deploymentModel",
            json!("SERVICE"),
        ),
        (
            OLD,
            json!({ "agent": { "ebpf": { "metrics": { "server": { "tls": { "type": "AUTO" } } } } } }),
            "/agent/ebpf/metrics/server/tls/type",
            json!("Auto"),
        ),
        (
            OLD,
            quiet(
                json!({ "url": "http://store:3100/", "authToken": "FORWARD", "batchWait": "5s", "maxRetries": 2, "minBackoff": "3s" }),
            ),
            "/loki/mode",
            json!("Manual"),
        ),
        (
            OLD,
            quiet(json!({ "url": "http://store:3100/" })),
            "/loki/manual/querierUrl",
            json!("http://store:3100/"),
        ),
        (
            OLD,
            quiet(json!({ "url": "http://store:3100/" })),
            "/loki/manual/ingesterUrl",
            json!("http://store:3100/"),
        ),
        (
            OLD,
            quiet(json!({ "authToken": "FORWARD" })),
            "/loki/manual/authToken",
            json!("Forward"),
        ),
        (
            OLD,
            quiet(json!({ "batchWait": "5s" })),
            "/loki/writeBatchWait",
            json!("5s"),
        ),
        (
            OLD,
            quiet(json!({ "maxRetries": 2, "minBackoff": "3s" })),
            "/loki/advanced",
            json!({ "writeMinBackoff": "3s" }),
        ),
        (
            OLD,
            json!({ "processor": { "metrics": { "ignoreTags": ["nodes", "workloads", "bytes", "ingress", "ipsec"] } } }),
            "/processor/metrics/includeList",
            json!([
                "namespace_egress_packets_total",
                "namespace_sampling",
                "namespace_flows_total",
                "namespace_rtt_seconds",
                "namespace_drop_packets_total",
                "namespace_dns_latency_seconds",
                "namespace_network_policy_events_total"
            ]),
        ),
        (
            OLD,
            json!({ "processor": { "metrics": { "ignoreTags": ["egress", "packets", "nodes-flows", "namespaces-flows", "workloads-flows", "namespaces"] } } }),
            "/processor/metrics/includeList",
            Value::Null,
        ),
        (
            OLD,
            json!({ "processor": { "metrics": { "ignoreTags": ["nodes"], "includeList": ["node_flows_total"] } } }),
            "/processor/metrics/includeList",
            json!(["node_flows_total"]),
        ),
        (
            OLD,
            json!({ "processor": { "metrics": { "ignoreTags": ["nodes", "namespaces", "workloads"] } } }),
            "/processor/metrics/includeList",
            json!([]),
        ),
        (
            OLD,
            json!({ "processor": { "debug": { "env": { "A": "b" } } } }),
            "/processor/advanced",
            json!({ "env": { "A": "b" } }),
        ),
        (
            NEW,
            json!({ "processor": { "advanced": { "env": { "A": "b" } } } }),
            "/processor/debug/env",
            json!({ "A": "b" }),
        ),
        (
            OLD,
            json!({ "processor": { "port": 2055, "profilePort": 0 } }),
            "/processor/advanced",
            json!({ "profilePort": 0 }),
        ),
        (
            OLD,
            json!({ "processor": {}, "consolePlugin": {} }),
            "/consolePlugin/advanced",
            Value::Null,
        ),
        (
            OLD,
            json!({ "consolePlugin": { "register": false } }),
            "/consolePlugin/advanced",
            json!({ "register": false }),
        ),
    ] {
        let converted = convert(object(from, spec.clone()), other(from)).unwrap();
        let found = converted["spec"].pointer(path).cloned().unwrap_or_default();
        assert_eq!(found, expected, "{spec} {path}");
    }
}

#[test]
fn a_lokistack_is_seen_as_its_addresses() {
    let spec = json!({ "loki": { "mode": "LokiStack", "lokiStack": { "name": "ls", "namespace": "logs" } } });
    let loki = convert(object(NEW, spec), OLD).unwrap()["spec"]["loki"].clone();
    let url = "https://ls-gateway-http.logs.svc.cluster.local.:8080/api/logs/v1/network/";
    for (path, expected) in [
        ("/url", json!(url)),
        ("/querierUrl", json!(url)),
        (
            "/statusUrl",
            json!("https://ls-query-frontend-http.logs.svc.cluster.local.:3100/"),
        ),
        ("/tenantID", json!("network")),
        ("/authToken", json!("FORWARD")),
        ("/tls/enable", json!(true)),
        ("/statusTls/enable", json!(true)),
    ] {
        assert_eq!(loki.pointer(path), Some(&expected), "{path}");
    }
}

/// Name, edit of the `spec` in the old version, and what the new version has at some paths then.
type EditCase = (&'static str, fn(&mut Value), Vec<(&'static str, Value)>);

/// What only one version holds comes back, unless it was edited in the other.
#[test]
fn edits_in_the_other_version_win() {
    let exporters = json!([
        { "type": "Kafka", "kafka": { "address": "a", "topic": "a", "compression": "zstd" } },
        { "type": "OpenTelemetry", "openTelemetry": { "targetHost": "o", "targetPort": 4317 } },
    ]);
    let start = json!({
        "deploymentModel": "Service",
        "agent": { "ebpf": { "sampling": 50, "features": ["TLSTracking"] } },
        "networkPolicy": { "enable": true },
        "processor": { "advanced": { "port": 3000, "scheduling": { "priorityClassName": "high" } } },
        "consolePlugin": { "advanced": { "scheduling": { "priorityClassName": "low" } } },
        "loki": { "mode": "LokiStack", "lokiStack": { "name": "ls" } },
        "exporters": exporters,
    });
    let cases: [EditCase; 10] = [
        (
            "sampling",
            |spec| spec["agent"]["ebpf"]["sampling"] = json!(10),
            vec![
                ("/agent/ebpf/sampling", json!(10)),
                ("/agent/ebpf/features", json!(["TLSTracking"])),
                ("/deploymentModel", json!("Service")),
                ("/networkPolicy/enable", json!(true)),
                ("/loki/mode", json!("LokiStack")),
                ("/loki/manual", Value::Null),
            ],
        ),
        (
            "model",
            |spec| spec["deploymentModel"] = json!("KAFKA"),
            vec![("/deploymentModel", json!("Kafka"))],
        ),
        (
            "address of Loki",
            |spec| spec["loki"]["url"] = json!("http://mine/"),
            vec![
                ("/loki/mode", json!("Manual")),
                ("/loki/manual/ingesterUrl", json!("http://mine/")),
                ("/loki/lokiStack/name", json!("ls")),
            ],
        ),
        (
            "field of an exporter",
            |spec| spec["exporters"][0]["kafka"]["topic"] = json!("b"),
            vec![
                ("/exporters/0/kafka/topic", json!("b")),
                ("/exporters/0/kafka/compression", json!("zstd")),
                ("/exporters/1/openTelemetry/targetHost", json!("o")),
            ],
        ),
        (
            "exporter removed",
            |spec| {
                spec["exporters"].as_array_mut().unwrap().remove(0);
            },
            vec![
                ("/exporters/0/type", json!("OpenTelemetry")),
                ("/exporters/0/openTelemetry/targetHost", json!("o")),
                ("/exporters/0/kafka", Value::Null),
            ],
        ),
        (
            "port",
            |spec| spec["processor"]["port"] = json!(4000),
            vec![
                ("/processor/advanced/port", json!(4000)),
                (
                    "/processor/advanced/scheduling/priorityClassName",
                    json!("high"),
                ),
            ],
        ),
        (
            "port back to its default",
            |spec| spec["processor"]["port"] = json!(2055),
            vec![
                ("/processor/advanced/port", Value::Null),
                (
                    "/processor/advanced/scheduling/priorityClassName",
                    json!("high"),
                ),
            ],
        ),
        (
            "first field of a holder",
            |spec| spec["consolePlugin"]["port"] = json!(9010),
            vec![
                ("/consolePlugin/advanced/port", json!(9010)),
                (
                    "/consolePlugin/advanced/scheduling/priorityClassName",
                    json!("low"),
                ),
            ],
        ),
        (
            "section with a holder removed",
            |spec| {
                spec.as_object_mut().unwrap().remove("processor");
            },
            vec![("/processor", Value::Null)],
        ),
        (
            "section removed",
            |spec| {
                spec.as_object_mut().unwrap().remove("loki");
            },
            vec![("/loki", Value::Null)],
        ),
    ];
    for (name, edit, expected) in cases {
        let mut there = convert(object(NEW, start.clone()), OLD).unwrap();
        edit(&mut there["spec"]);
        let back = convert(there, NEW).unwrap();
        for (path, value) in expected {
            let found = back["spec"].pointer(path).cloned().unwrap_or_default();
            assert_eq!(found, value, "{name}: {path}");
        }
    }
}

/// Older operators kept the whole newer object in the annotation.
#[test]
fn data_of_older_operators_is_understood() {
    let kept = json!({
        "spec": { "loki": { "mode": "LokiStack", "lokiStack": { "name": "ls", "namespace": "logs" } }, "networkPolicy": { "enable": true } },
        "status": {},
    });
    let mut old = convert(object(NEW, kept["spec"].clone()), OLD).unwrap();
    old["metadata"]["annotations"] = json!({ V1BETA2_DATA: kept.to_string(), "mine": "stays" });
    let new = convert(old, NEW).unwrap();
    assert_eq!(new["spec"]["loki"]["mode"], "LokiStack");
    assert_eq!(new["spec"]["loki"]["lokiStack"]["name"], "ls");
    assert_eq!(new["spec"]["networkPolicy"]["enable"], true);
    assert_eq!(new["metadata"]["annotations"]["mine"], "stays");
    assert_eq!(new["metadata"]["annotations"].get(V1BETA2_DATA), None);
}

#[test]
fn what_cannot_be_converted_says_why() {
    let malformed = |text: &str| {
        let mut object = object(OLD, json!({}));
        object["metadata"]["annotations"] = json!({ V1BETA2_DATA: text });
        object
    };
    for (object, to, expected) in [
        (
            object(NEW, json!({})),
            "flows.netobserv.io/v1alpha1",
            "v1alpha1",
        ),
        (object("other.io/v1beta1", json!({})), NEW, "other.io"),
        (malformed("{"), NEW, V1BETA2_DATA),
        (malformed("[]"), NEW, "neither"),
        (malformed("{\"from\":1}"), NEW, "neither"),
        (json!({ "apiVersion": NEW }), OLD, "metadata"),
        (
            json!({ "apiVersion": NEW, "metadata": { "annotations": [] } }),
            OLD,
            "annotations",
        ),
        (json!([]), OLD, "\"\""),
        (
            object(NEW, json!({ "loki": { "mode": "Odd" } })),
            OLD,
            "spec.loki",
        ),
    ] {
        let error = convert(object, to).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn an_object_of_the_wanted_version_stays_as_it_is() {
    let given = object(NEW, json!({ "unknown": Map::new() }));
    assert_eq!(convert(given.clone(), NEW).unwrap(), given);
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
