//! The configuration the pipeline gets: stages and their parameters, against worked examples and the pipeline's schema.

use std::collections::BTreeSet;

use crate::support::{self, described, find, kubernetes, openshift};
use netobserv_operator::apis::flowcollector::predefined;
use netobserv_operator::cluster::Facts;
use serde_json::{Value, json};

/// Fixed and dynamic part.
fn config_on(spec: &Value, facts: &Facts) -> (Value, Value) {
    let app = if spec["deploymentModel"] == "Kafka" {
        "flowlogs-pipeline-transformer"
    } else {
        "flowlogs-pipeline"
    };
    let desired = support::desired(spec, facts);
    let part = |suffix| {
        let name = format!("{app}-{suffix}");
        let config_map = find(&desired, "ConfigMap", &name).unwrap();
        serde_json::from_str(config_map["data"]["config.json"].as_str().unwrap()).unwrap()
    };
    (part("config"), part("config-dynamic"))
}

fn config(spec: &Value) -> (Value, Value) {
    config_on(spec, &kubernetes())
}

/// `name` or `name < previous` of every stage.
fn stages(fixed: &Value) -> Vec<String> {
    let links = fixed["pipeline"].as_array().unwrap();
    links
        .iter()
        .map(|link| {
            let name = link["name"].as_str().unwrap();
            match link["follows"].as_str() {
                Some(previous) => format!("{name} < {previous}"),
                None => name.to_owned(),
            }
        })
        .collect()
}

/// The parameters of one stage, without its name.
fn stage(parts: &(Value, Value), name: &str) -> Value {
    let all = [&parts.0, &parts.1];
    let mut found = all
        .iter()
        .flat_map(|part| part["parameters"].as_array().unwrap())
        .filter(|stage| stage["name"] == name);
    let stage = found.next().unwrap_or_else(|| panic!("no stage {name}"));
    assert!(found.next().is_none(), "{name} is there twice");
    let mut stage = stage.clone();
    stage.as_object_mut().unwrap().remove("name");
    stage
}

/// An OpenTelemetry exporter with everything on.
fn otlp() -> Value {
    json!({"type": "OpenTelemetry", "openTelemetry": {"targetHost": "otel", "targetPort": 4317}})
}

fn kafka() -> Value {
    json!({"type": "Kafka", "kafka": {"address": "k:9092", "topic": "out"}})
}

#[test]
fn stages_follow_each_other_as_the_specification_says() {
    let no_loki = json!({"enable": false, "mode": "Monolithic"});
    for (spec, expected) in [
        (
            json!({}),
            vec![
                "grpc",
                "enrich < grpc",
                "loki < enrich",
                "prometheus < enrich",
            ],
        ),
        (
            json!({"deploymentModel": "Direct", "processor": {"logTypes": "Conversations"}}),
            vec![
                "grpc",
                "extract_conntrack < grpc",
                "enrich < extract_conntrack",
                "loki < enrich",
                "prometheus < enrich",
            ],
        ),
        (
            json!({"deploymentModel": "Kafka", "processor": {"logLevel": "trace"}}),
            vec![
                "kafka-read",
                "enrich < kafka-read",
                "loki < enrich",
                "stdout < enrich",
                "prometheus < enrich",
            ],
        ),
        (
            json!({"processor": {"metrics": {"includeList": []}}, "loki": no_loki}),
            vec!["grpc", "enrich < grpc"],
        ),
        (
            json!({"loki": no_loki, "processor": {"subnetLabels": {"customLabels": [{"name": "Lab", "cidrs": ["8.8.4.0/24"]}]}}}),
            vec![
                "grpc",
                "enrich < grpc",
                "subnets < enrich",
                "prometheus < subnets",
            ],
        ),
        (
            json!({"processor": {"filters": [{"query": "DstPort=443", "outputTarget": "Loki"}]}}),
            vec![
                "grpc",
                "enrich < grpc",
                "filters-loki < enrich",
                "loki < filters-loki",
                "prometheus < enrich",
            ],
        ),
        (
            json!({"processor": {"deduper": {"mode": "Drop"}, "filters": [
                {"query": "a=1"}, {"query": "b=2", "outputTarget": "Metrics"}, {"query": "c=3", "outputTarget": "Exporters"}]}}),
            vec![
                "grpc",
                "enrich < grpc",
                "filters < enrich",
                "dedup < filters",
                "loki < dedup",
                "filters-prom < dedup",
                "prometheus < filters-prom",
            ],
        ),
        (
            json!({"loki": no_loki, "exporters": [kafka(), otlp()],
                "processor": {"filters": [{"query": "c=3", "outputTarget": "Exporters"}]}}),
            vec![
                "grpc",
                "enrich < grpc",
                "prometheus < enrich",
                "filters-exp < enrich",
                "kafka-export-0 < filters-exp",
                "otel-export-1-transform < filters-exp",
                "otel-export-1-logs < otel-export-1-transform",
                "otel-export-1-metrics < otel-export-1-transform",
            ],
        ),
    ] {
        assert_eq!(stages(&config(&spec).0), expected, "{spec}");
    }
}

#[test]
fn the_frame_holds_ports_names_and_both_spellings_of_the_health_port() {
    let (fixed, _) = config(&json!({"processor": {"logLevel": "debug",
        "advanced": {"healthPort": 8181, "profilePort": 6060},
        "metrics": {"server": {"port": 9999, "tls": {"type": "Auto"}}}}}));
    let mut fixed = fixed;
    for key in ["pipeline", "parameters"] {
        fixed.as_object_mut().unwrap().remove(key);
    }
    assert_eq!(
        fixed,
        json!({
            "dynamicParameters": {"namespace": "netobserv", "name": "flowlogs-pipeline-config-dynamic", "fileName": "config.json"},
            "health": {"port": 8181},
            "healthAddr": ":8181",
            "log-level": "debug",
            "metricsSettings": {"port": 9999, "prefix": "netobserv_", "noPanic": true,
                "tls": {"certPath": "/var/prom-certs/tls.crt", "keyPath": "/var/prom-certs/tls.key"}},
            "profile": {"port": 6060},
        })
    );
}

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

#[test]
fn metrics_are_defined_as_in_the_worked_example() {
    let parts = config(&json!({}));
    let prometheus = stage(&parts, "prometheus");
    let metrics = prometheus["encode"]["prom"]["metrics"].as_array().unwrap();
    let names: Vec<_> = metrics
        .iter()
        .map(|m| m["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "node_egress_bytes_total",
            "node_ingress_bytes_total",
            "node_ingress_packets_total",
            "namespace_ingress_packets_total",
            "namespace_flows_total",
            "workload_egress_bytes_total",
            "workload_ingress_bytes_total",
            "node_to_node_ingress_flows_total",
        ]
    );
    let workload = json!([
        "SrcK8S_Namespace",
        "DstK8S_Namespace",
        "K8S_FlowLayer",
        "SrcSubnetLabel",
        "DstSubnetLabel",
        "SrcK8S_OwnerName",
        "DstK8S_OwnerName",
        "SrcK8S_OwnerType",
        "DstK8S_OwnerType",
        "SrcK8S_Type",
        "DstK8S_Type"
    ]);
    assert_eq!(metrics[5]["labels"], workload);
    assert_eq!(
        metrics[7]["filters"],
        json!([{"key": "FlowDirection", "value": "2", "type": "not_equal"},
            {"key": "SrcK8S_HostName", "value": "", "type": "presence"},
            {"key": "DstK8S_HostName", "value": "", "type": "presence"}])
    );
    assert_eq!(prometheus["encode"]["prom"]["prefix"], "netobserv_");
}

#[test]
fn every_predefined_metric_has_a_definition() {
    let all = json!([
        "PacketDrop",
        "DNSTracking",
        "FlowRTT",
        "NetworkEvents",
        "IPSec"
    ]);
    for loki in [true, false] {
        let spec = json!({"loki": {"enable": loki, "mode": "Monolithic"}, "agent": {"ebpf": {"privileged": true, "features": all}},
            "processor": {"filters": [{"query": "a=1", "sampling": 9}]}});
        let parsed = serde_json::from_value(spec.clone()).unwrap();
        let wanted: BTreeSet<String> = netobserv_operator::effective::Effective::of(&parsed)
            .metrics()
            .into_iter()
            .collect();
        let prometheus = stage(&config(&spec), "prometheus");
        let metrics = prometheus["encode"]["prom"]["metrics"].as_array().unwrap();
        let found = metrics
            .iter()
            .map(|m| m["name"].as_str().unwrap().to_owned());
        assert_eq!(found.collect::<BTreeSet<_>>(), wanted, "Loki: {loki}");
    }
    let spec = json!({"agent": {"ebpf": {"privileged": true, "features": all}}, "processor": {
        "filters": [{"query": "a=1", "sampling": 9}], "metrics": {"includeList": predefined::names()}}});
    let prometheus = stage(&config(&spec), "prometheus");
    let metrics = prometheus["encode"]["prom"]["metrics"].as_array().unwrap();
    let found = metrics
        .iter()
        .map(|m| m["name"].as_str().unwrap().to_owned());
    let all = predefined::names().into_iter().collect();
    assert_eq!(found.collect::<BTreeSet<_>>(), all);
}

#[test]
fn a_latency_is_a_histogram_in_seconds() {
    let spec = json!({"agent": {"ebpf": {"features": ["DNSTracking"]}},
        "processor": {"metrics": {"includeList": ["namespace_dns_latency_seconds"]}, "logTypes": "All"}});
    let metric = &stage(&config(&spec), "prometheus")["encode"]["prom"]["metrics"][0];
    assert_eq!(metric["type"], "histogram");
    assert_eq!(metric["valueKey"], "DnsLatencyMs");
    assert_eq!(metric["valueScale"], 1000.0);
    assert_eq!(
        metric["filters"],
        json!([{"key": "DnsId", "value": "", "type": "presence"},
            {"key": "_RecordType", "value": "flowLog", "type": "equal"}])
    );
    assert_eq!(metric["buckets"].as_array().unwrap().len(), 10);
}

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
    let schema = include_str!("../../contracts/vendored/flowlogs-pipeline/config.schema.json");
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
            let errors: Vec<_> = validator
                .iter_errors(&given)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{spec}: {errors:#?}");
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
