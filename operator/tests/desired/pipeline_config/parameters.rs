//! Parameters of stages, against worked examples.

use serde_json::{Value, json};

use super::{config, config_on, kafka, otlp, stage};
use crate::support::openshift;

#[test]
fn stages_have_the_parameters_of_the_worked_example() {
    let parts = config(&json!({"loki": {"mode": "LokiStack"}}));
    assert_eq!(
        stage(&parts, "grpc"),
        json!({"ingest": {"type": "grpc", "grpc": {
            "port": 2055, "certPath": "/var/svc-certs/tls.crt", "keyPath": "/var/svc-certs/tls.key"}}})
    );
    let end = |side: &str| {
        json!({"type": "add_kubernetes", "kubernetes": {"ipField": format!("{side}Addr"), "interfacesField": "Interfaces",
            "udnsField": "Udns", "macField": format!("{side}Mac"), "output": format!("{side}K8S")}})
    };
    assert_eq!(
        stage(&parts, "enrich"),
        json!({"transform": {"type": "network", "network": {
            "rules": [
                end("Src"),
                end("Dst"),
                {"type": "reinterpret_direction"},
                {"type": "decode_tcp_flags", "decode_tcp_flags": {"input": "Flags", "output": "Flags"}},
                {"type": "add_kubernetes_infra", "kubernetes_infra": {
                    "namespaceNameFields": [
                        {"name": "SrcK8S_Name", "namespace": "SrcK8S_Namespace"},
                        {"name": "DstK8S_Name", "namespace": "DstK8S_Namespace"}],
                    "output": "K8S_FlowLayer",
                    "infra_prefixes": ["netobserv", "openshift"],
                    "infra_refs": [
                        {"name": "kubernetes", "namespace": "default"},
                        {"name": "openshift", "namespace": "default"}]}}],
            "kubeConfig": {"trackedKinds": ["ReplicaSet", "Deployment", "Gateway"]},
            "directionInfo": {"reporterIPField": "AgentIP", "srcHostField": "SrcK8S_HostIP",
                "dstHostField": "DstK8S_HostIP", "flowDirectionField": "FlowDirection"}}}})
    );
    assert_eq!(
        stage(&parts, "loki"),
        json!({"write": {"type": "loki", "loki": {
            "url": "https://loki-gateway-http.netobserv.svc.cluster.local.:8080/api/logs/v1/network/",
            "tenantID": "network",
            "batchWait": "1s", "batchSize": 10_485_760, "timeout": "10s",
            "minBackoff": "1s", "maxBackoff": "5s", "maxRetries": 2,
            "labels": ["SrcK8S_Namespace", "SrcK8S_OwnerName", "SrcK8S_Type", "DstK8S_Namespace",
                "DstK8S_OwnerName", "DstK8S_Type", "K8S_FlowLayer", "FlowDirection"],
            "staticLabels": {"app": "netobserv-flowcollector"},
            "clientConfig": {
                "authorization": {"type": "Bearer", "credentials_file": "/var/run/secrets/tokens/flowlogs-pipeline"},
                "tls_config": {"ca_file": "/var/loki-certs-ca/service-ca.crt", "insecure_skip_verify": false},
                "follow_redirects": false, "enable_http2": false, "proxy_url": null},
            "timestampLabel": "TimeFlowEndMs", "timestampScale": "1ms"}}})
    );
}

/// One part of one stage, by JSON pointer.
fn check(spec: Value, name: &str, pointer: &str, expected: Value) {
    let parts = config_on(&spec, &openshift("4.19.0"));
    let stage = stage(&parts, name);
    let found = stage.pointer(pointer).cloned().unwrap_or(Value::Null);
    assert_eq!(found, expected, "{pointer} of {name} of {spec}");
}

#[test]
fn parameters_follow_the_specification() {
    let filters = json!([{"query": "SrcPort=80", "sampling": 4}, {"query": "DstPort=80"}]);
    let duplicate = json!([
        {"type": "remove_entry_if_equal", "removeEntry": {"input": "FlowDirection", "value": 1, "castInt": true}},
        {"type": "remove_entry_if_exists", "removeEntry": {"input": "DstK8S_OwnerName"}}]);
    let rules = "/transform/filter/rules";
    check(
        json!({"processor": {"filters": filters, "multiClusterDeployment": true, "clusterName": "west"}}),
        "filters",
        rules,
        json!([
            {"type": "keep_entry_query", "keepEntryQuery": "SrcPort=80", "keepEntrySampling": 4},
            {"type": "keep_entry_query", "keepEntryQuery": "DstPort=80"},
            {"type": "add_field_if_doesnt_exist", "addFieldIfDoesntExist": {"input": "K8S_ClusterName", "value": "west"}}]),
    );
    check(
        json!({"processor": {"deduper": {"mode": "Drop"}}}),
        "dedup",
        rules,
        json!([{"type": "remove_entry_all_satisfied", "removeEntryAllSatisfied": duplicate}]),
    );
    check(
        json!({"processor": {"deduper": {"mode": "Sample", "sampling": 7}}}),
        "dedup",
        rules,
        json!([{"type": "conditional_sampling", "conditionalSampling": [{"value": 7, "rules": duplicate}]}]),
    );
    // More than the pipeline starts with.
    check(
        json!({"processor": {"deduper": {"mode": "Sample", "sampling": 70_000}}}),
        "dedup",
        "/transform/filter/rules/0/conditionalSampling/0/value",
        json!(65_535),
    );
    check(
        json!({"deploymentModel": "Kafka", "kafka": {"address": "a:9092, b:9092,", "topic": "flows"}}),
        "kafka-read",
        "/ingest/kafka/brokers",
        json!(["a:9092", "b:9092"]),
    );
    // NetObserv shows no certificate to Loki, so what is named there need not exist.
    let user = json!({"name": "u", "certFile": "c", "certKey": "k"});
    check(
        json!({"loki": {"mode": "Manual", "manual": {"tls": {"enable": true, "userCert": user}}}}),
        "loki",
        "/write/loki/clientConfig/tls_config",
        json!({"insecure_skip_verify": false}),
    );
    check(
        json!({"processor": {"subnetLabels": {"customLabels": [{"name": "Lab", "cidrs": ["8.8.4.0/24"]}]}}}),
        "subnets",
        "/transform/network",
        json!({"rules": [
                {"type": "add_subnet_label", "add_subnet_label": {"input": "SrcAddr", "output": "SrcSubnetLabel"}},
                {"type": "add_subnet_label", "add_subnet_label": {"input": "DstAddr", "output": "DstSubnetLabel"}}],
            "kubeConfig": {}, "subnetLabels": [{"cidrs": ["8.8.4.0/24"], "name": "Lab"}], "directionInfo": {}}),
    );
    let networks = "/transform/network/kubeConfig/secondaryNetworks";
    check(
        json!({"agent": {"ebpf": {"privileged": true, "features": ["UDNMapping"]}}}),
        "enrich",
        networks,
        json!([{"index": {"interface": null, "ip": null}}, {"index": {"interface": null, "mac": null}},
            {"name": "ovn-kubernetes", "index": {"udn": null}}]),
    );
    check(
        json!({"processor": {"addZone": true}}),
        "enrich",
        "/transform/network/rules/0/kubernetes/add_zone",
        json!(true),
    );
    check(
        json!({"agent": {"ebpf": {"features": ["PacketTranslation"]}}}),
        "enrich",
        "/transform/network/rules/2",
        json!({"type": "add_kubernetes", "kubernetes": {"ipField": "XlatSrcAddr", "output": "XlatSrcK8S"}}),
    );
    let labels = json!([
        "SrcK8S_Namespace",
        "SrcK8S_Type",
        "DstK8S_Namespace",
        "DstK8S_OwnerName",
        "DstK8S_Type",
        "K8S_FlowLayer",
        "FlowDirection",
        "K8S_ClusterName",
        "SrcK8S_Zone",
        "DstK8S_Zone",
        "UdnId"
    ]);
    check(
        json!({"agent": {"ebpf": {"features": ["UDNMapping"]}},
            "processor": {"addZone": true, "multiClusterDeployment": true, "clusterName": "west"},
            "loki": {"mode": "Monolithic", "advanced": {"excludeLabels": ["SrcK8S_OwnerName"]}}}),
        "loki",
        "/write/loki/labels",
        labels,
    );
    check(
        json!({"loki": {"mode": "Monolithic", "monolithic": {"tls": {"enable": true, "insecureSkipVerify": true}}}}),
        "loki",
        "/write/loki/clientConfig/tls_config",
        json!({"insecure_skip_verify": true}),
    );
    check(
        json!({"deploymentModel": "Kafka", "kafka": {"address": "k:9092", "topic": "flows",
            "sasl": {"type": "Plain", "clientIDReference": {"type": "secret", "name": "s", "file": "id"},
                "clientSecretReference": {"type": "secret", "name": "s", "file": "key"}}}}),
        "kafka-read",
        "/ingest/kafka",
        json!({"brokers": ["k:9092"], "topic": "flows", "groupid": "flowlogs-pipeline", "decoder": {"type": "protobuf"},
            "pullQueueCapacity": 1000, "pullMaxBytes": 10_485_760, "tls": null,
            "sasl": {"type": "plain", "clientIDPath": "/var/kafka-ingest-sasl-id/id",
                "clientSecretPath": "/var/kafka-ingest-sasl-secret/key"}}),
    );
    check(
        json!({"exporters": [{"type": "IPFIX", "ipfix": {"targetHost": "h", "targetPort": 4739, "transport": "UDP", "enterpriseID": 2}}]}),
        "ipfix-export-0",
        "/write/ipfix",
        json!({"targetHost": "h", "targetPort": 4739, "transport": "udp", "enterpriseId": 2, "tplSendInterval": "0s"}),
    );
    check(
        json!({"exporters": [kafka()]}),
        "kafka-export-0",
        "/encode/kafka",
        json!({"address": "k:9092", "topic": "out", "compression": "lz4", "tls": null, "sasl": null}),
    );
    check(
        json!({"exporters": [otlp()]}),
        "otel-export-0-logs",
        "/encode/otlplogs",
        json!({"address": "otel", "port": 4317, "connectionType": "grpc"}),
    );
    check(
        json!({"exporters": [otlp()], "processor": {"metrics": {"includeList": ["node_ingress_bytes_total"]}}}),
        "otel-export-0-metrics",
        "/encode/otlpmetrics/metrics/0",
        json!({"name": "node_ingress_bytes_total", "type": "counter", "help": "ingress bytes total by node",
            "filters": [{"key": "host.direction", "value": "1", "type": "not_equal"}], "valueKey": "bytes",
            "labels": ["source.k8s.host.name", "destination.k8s.host.name"],
            "remap": null, "flatten": null, "buckets": null}),
    );
}

#[test]
fn connections_are_tracked_as_they_are_asked_for() {
    for (types, expected) in [
        (
            "Conversations",
            json!(["newConnection", "heartbeat", "endConnection"]),
        ),
        ("EndedConversations", json!(["endConnection"])),
        (
            "All",
            json!(["flowLog", "newConnection", "heartbeat", "endConnection"]),
        ),
    ] {
        check(
            json!({"processor": {"logTypes": types}}),
            "extract_conntrack",
            "/extract/conntrack/outputRecordTypes",
            expected,
        );
    }
    let parts = config(&json!({"processor": {"logTypes": "All"},
        "agent": {"ebpf": {"privileged": true, "features": ["PacketDrop", "DNSTracking", "NetworkEvents", "FlowRTT"]}}}));
    let conntrack = &stage(&parts, "extract_conntrack")["extract"]["conntrack"];
    let fields = conntrack["outputFields"].as_array().unwrap();
    assert_eq!(fields.len(), 10 + 6 + 2 + 1 + 1);
    assert_eq!(
        conntrack["scheduling"],
        json!([{"heartbeatInterval": "30s", "endConnectionTimeout": "10s", "terminatingTimeout": "5s"}])
    );
}
