//! Metrics and health rules.

use std::time::Duration;

use serde_json::{Value, json};

use super::{agent, check, processor};
use crate::effective::{Effective, HealthVariant, trend_duration, trend_offset};

#[test]
fn trends() {
    for (variant, offset_hours, duration_hours) in [
        (json!({ "thresholds": {} }), 24, 2),
        (
            json!({ "thresholds": {}, "trendOffset": "48h", "trendDuration": "60m" }),
            48,
            1,
        ),
    ] {
        let parsed: HealthVariant = serde_json::from_value(variant.clone()).unwrap();
        assert_eq!(
            trend_offset(&parsed),
            Duration::from_hours(offset_hours),
            "{variant}"
        );
        assert_eq!(
            trend_duration(&parsed),
            Duration::from_hours(duration_hours),
            "{variant}"
        );
    }
}

#[test]
fn predefined_metrics() {
    let everything = json!([
        "PacketDrop",
        "DNSTracking",
        "FlowRTT",
        "NetworkEvents",
        "IPSec"
    ]);
    let all = json!({ "agent": { "ebpf": { "features": everything } }, "processor": { "filters": [{ "query": "a=1", "sampling": 2 }] } });
    let without_loki = |mut spec: Value| {
        spec["loki"] = json!({ "enable": false, "mode": "Manual" });
        spec
    };
    check(
        |e| e.metrics().len(),
        vec![
            (json!({}), 8),
            (without_loki(json!({})), 9),
            (all.clone(), 15),
            (without_loki(all), 17),
            (processor(json!({ "metrics": { "includeList": [] } })), 0),
            (
                processor(
                    json!({ "metrics": { "additionalIncludeList": ["node_flows_total", "node_ingress_bytes_total"] } }),
                ),
                9,
            ),
            (
                agent(json!({ "features": ["PacketDrop"], "privileged": true })),
                10,
            ),
            (agent(json!({ "features": ["PacketDrop"] })), 8),
        ],
    );
    check(
        Effective::metrics,
        vec![(
            processor(
                json!({ "metrics": { "includeList": ["node_rtt_seconds", "node_flows_total"], "additionalIncludeList": ["node_egress_bytes_total"] } }),
            ),
            vec!["node_flows_total".to_owned()],
        )],
    );
}

#[test]
fn health_rules_in_force() {
    let names = |e: &Effective| -> Vec<String> {
        e.health_rules()
            .iter()
            .map(|r| format!("{}:{}", r.template, r.variants.len()))
            .collect()
    };
    let always = [
        "PacketDropsByDevice:1",
        "ExternalEgressHighTrend:2",
        "ExternalIngressHighTrend:2",
        "Ingress5xxErrors:1",
        "IngressHTTPLatencyTrend:1",
    ];
    let own = json!({ "template": "PacketDropsByDevice", "variants": [] });
    let dns = json!({ "template": "DNSErrors", "variants": [] });
    let mut with_dns = always.map(str::to_owned).to_vec();
    with_dns.splice(1..1, ["DNSErrors:2".to_owned(), "DNSNxDomain:1".to_owned()]);
    let mut replaced = always.map(str::to_owned).to_vec();
    replaced[0] = "PacketDropsByDevice:0".to_owned();
    check(
        names,
        vec![
            (json!({}), always.map(str::to_owned).to_vec()),
            (agent(json!({ "features": ["DNSTracking"] })), with_dns),
            (
                processor(json!({ "metrics": { "healthRules": [own, dns] } })),
                replaced,
            ),
            (
                processor(
                    json!({ "metrics": { "healthRules": [own], "disableAlerts": ["PacketDropsByDevice", "NetObservNoFlows"] } }),
                ),
                always[1..].iter().map(|n| (*n).to_owned()).collect(),
            ),
        ],
    );
}
