//! Definitions of metrics.

use std::collections::BTreeSet;

use netobserv_operator::apis::flowcollector::predefined;
use serde_json::json;

use super::{config, stage};

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
