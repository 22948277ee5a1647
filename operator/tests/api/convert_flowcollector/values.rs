//! What a value becomes.

use netobserv_operator::apis::flowcollector::convert::convert;
use serde_json::{Value, json};

use super::{NEW, OLD, object, other};

/// Where a word stands, what it is in the old version, and in the new one.
const WORDS: [(&str, &str, &str); 6] = [
    (
        "/processor/logTypes",
        "ENDED_CONVERSATIONS",
        "EndedConversations",
    ),
    ("/agent/type", "EBPF", "eBPF"),
    ("/agent/type", "IPFIX", "IPFIX"),
    ("/kafka/sasl/type", "SCRAM-SHA512", "ScramSHA512"),
    ("/deploymentModel", "SERVICE", "Service"),
    ("/agent/ebpf/metrics/server/tls/type", "AUTO", "Auto"),
];

/// A specification with that word.
fn with_word(path: &str, word: &str) -> Value {
    let mut spec = json!({ "kafka": { "address": "k", "topic": "t" } });
    let keys = path.split('/').skip(1);
    *keys.fold(&mut spec, |node, key| &mut node[key]) = word.into();
    spec
}

fn check(from: &str, spec: &Value, path: &str, expected: &Value) {
    let converted = convert(object(from, spec.clone()), other(from)).unwrap();
    let found = converted["spec"].pointer(path).cloned().unwrap_or_default();
    assert_eq!(found, *expected, "{spec} {path}");
}

#[test]
fn values_become_those_of_the_other_version() {
    for (path, old, new) in WORDS {
        check(OLD, &with_word(path, old), path, &new.into());
        check(NEW, &with_word(path, new), path, &old.into());
    }
    let ignoring = |tags: Value| json!({ "processor": { "metrics": { "ignoreTags": tags } } });
    let includes = "/processor/metrics/includeList";
    let without_nodes = json!([
        "namespace_egress_packets_total",
        "namespace_sampling",
        "namespace_flows_total",
        "namespace_rtt_seconds",
        "namespace_drop_packets_total",
        "namespace_dns_latency_seconds",
        "namespace_network_policy_events_total"
    ]);
    let usual = json!([
        "egress",
        "packets",
        "nodes-flows",
        "namespaces-flows",
        "workloads-flows",
        "namespaces"
    ]);
    for (from, spec, expected) in [
        (
            NEW,
            json!({ "exporters": [{ "type": "Kafka" }, { "type": "OpenTelemetry" }] }),
            vec![("/exporters/1/type", json!("OPEN_TELEMETRY"))],
        ),
        (
            OLD,
            json!({ "exporters": [{ "type": "KAFKA", "kafka": { "address": "", "topic": "", "sasl": { "type": "PLAIN" } } }] }),
            vec![("/exporters/0/kafka/sasl/type", json!("Plain"))],
        ),
        (
            OLD,
            json!({ "deploymentModel": "" }),
            vec![("/deploymentModel", json!(""))],
        ),
        (
            OLD,
            json!({ "loki": { "url": "http://store:3100/", "authToken": "FORWARD", "batchWait": "5s", "maxRetries": 2, "minBackoff": "3s" } }),
            vec![
                ("/loki/mode", json!("Manual")),
                ("/loki/manual/querierUrl", json!("http://store:3100/")),
                ("/loki/manual/ingesterUrl", json!("http://store:3100/")),
                ("/loki/manual/authToken", json!("Forward")),
                ("/loki/writeBatchWait", json!("5s")),
                ("/loki/advanced", json!({ "writeMinBackoff": "3s" })),
            ],
        ),
        (
            OLD,
            ignoring(json!(["nodes", "workloads", "bytes", "ingress", "ipsec"])),
            vec![(includes, without_nodes)],
        ),
        (OLD, ignoring(usual), vec![(includes, Value::Null)]),
        (
            OLD,
            json!({ "processor": { "metrics": { "ignoreTags": ["nodes"], "includeList": ["node_flows_total"] } } }),
            vec![(includes, json!(["node_flows_total"]))],
        ),
        (
            OLD,
            ignoring(json!(["nodes", "namespaces", "workloads"])),
            vec![(includes, json!([]))],
        ),
        (
            OLD,
            json!({ "processor": { "debug": { "env": { "A": "b" } } } }),
            vec![("/processor/advanced", json!({ "env": { "A": "b" } }))],
        ),
        (
            NEW,
            json!({ "processor": { "advanced": { "env": { "A": "b" } } } }),
            vec![("/processor/debug/env", json!({ "A": "b" }))],
        ),
        (
            OLD,
            json!({ "processor": { "port": 2055, "profilePort": 0 } }),
            vec![("/processor/advanced", json!({ "profilePort": 0 }))],
        ),
        (
            OLD,
            json!({ "processor": {}, "consolePlugin": {} }),
            vec![("/consolePlugin/advanced", Value::Null)],
        ),
        (
            OLD,
            json!({ "consolePlugin": { "register": false } }),
            vec![("/consolePlugin/advanced", json!({ "register": false }))],
        ),
    ] {
        for (path, value) in expected {
            check(from, &spec, path, &value);
        }
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
