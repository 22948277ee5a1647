//! Stages and their order, and the frame around them.

use serde_json::{Value, json};

use super::{config, kafka, otlp};

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
