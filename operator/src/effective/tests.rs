//! Tables of what a specification means; long, since each case is a row of its own.

#![allow(clippy::needless_pass_by_value, reason = "tables hold literals")]

use std::fmt::Debug;

use serde_json::{Value, json};

use super::*;
use crate::apis::flowcollector::v1beta2::loki::LokiMode;
use crate::apis::flowcollector::v1beta2::processor::{LogTypes, NetworkIndex, ServiceTlsType};
use crate::apis::flowcollector::v1beta2::shared::Scheduling;

fn effective(spec: &Value) -> Effective {
    Effective::of(&serde_json::from_value(spec.clone()).unwrap())
}

/// Each specification gives the value beside it.
fn check<T: PartialEq + Debug>(ask: impl Fn(&Effective) -> T, table: Vec<(Value, T)>) {
    for (spec, expected) in table {
        assert_eq!(ask(&effective(&spec)), expected, "{spec}");
    }
}

fn agent(ebpf: Value) -> Value {
    json!({ "agent": { "ebpf": ebpf } })
}

fn processor(processor: Value) -> Value {
    json!({ "processor": processor })
}

#[test]
fn an_empty_specification_means_the_defaults_of_the_schema() {
    let all = effective(&json!({}));
    assert_eq!(all.namespace, "netobserv");
    assert_eq!(all.deployment_model, DeploymentModel::Service);
    assert_eq!(all.agent.cache_max_flows, Some(120_000));
    assert_eq!(all.agent.cache_active_timeout, Some("15s".into()));
    assert_eq!(all.processor.log_types, Some(LogTypes::Flows));
    assert_eq!(all.loki.mode, LokiMode::Monolithic);
    let monolithic = all.loki.monolithic.as_ref().unwrap();
    assert_eq!(monolithic.url.as_deref(), Some("http://loki:3100/"));
    let retries = all.loki.advanced.as_ref().unwrap().write_max_retries;
    assert_eq!(retries, Some(2));
    assert_eq!(all.console.quick_filters.as_ref().unwrap().len(), 6);
    assert_eq!(all.service_tls(), ServiceTlsType::Auto);
    assert_eq!(all.exporters, []);
}

#[test]
fn filling_in_twice_changes_nothing() {
    let spec = json!({
        "agent": { "ebpf": { "sampling": 1, "resources": { "limits": { "memory": "1Gi" } } } },
        "exporters": [{ "type": "OpenTelemetry", "openTelemetry": { "targetHost": "h", "targetPort": 1 } }],
    });
    let once = effective(&spec);
    assert_eq!(once.sampling(), 1);
    let exporter = once.exporters[0].open_telemetry.as_ref().unwrap();
    assert_eq!(exporter.logs.as_ref().unwrap().enable, Some(true));
    let metrics = exporter.metrics.as_ref().unwrap();
    assert_eq!(metrics.push_time_interval, Some("20s".into()));
    let again = effective(&json!({ "agent": { "ebpf": once.agent }, "exporters": once.exporters }));
    assert_eq!(again, once);
}

#[test]
fn deployment() {
    check(
        |e| e.is_on_hold,
        vec![
            (json!({}), false),
            (json!({ "execution": { "mode": "" } }), false),
            (json!({ "execution": { "mode": "OnHold" } }), true),
        ],
    );
    check(
        |e| (e.uses_kafka(), e.uses_host_network()),
        vec![
            (json!({}), (false, false)),
            (json!({ "deploymentModel": "Kafka" }), (true, false)),
            (json!({ "deploymentModel": "Direct" }), (false, true)),
        ],
    );
    check(
        |e| {
            (
                e.deploys_network_policy(true),
                e.deploys_network_policy(false),
            )
        },
        vec![
            (json!({}), (true, false)),
            (json!({ "networkPolicy": { "enable": true } }), (true, true)),
            (
                json!({ "networkPolicy": { "enable": false } }),
                (false, false),
            ),
        ],
    );
}

#[test]
fn loki() {
    check(
        |e| (e.uses_loki(), e.uses_demo_loki(), e.uses_embedded_store()),
        vec![
            (json!({}), (true, false, false)),
            (
                json!({ "loki": { "enable": false, "mode": "Embedded" } }),
                (false, false, false),
            ),
            (
                json!({ "loki": { "mode": "Monolithic", "monolithic": { "installDemoLoki": true } } }),
                (true, true, false),
            ),
            (
                json!({ "loki": { "mode": "Manual", "monolithic": { "installDemoLoki": true } } }),
                (true, false, false),
            ),
            (
                json!({ "loki": { "enable": false, "mode": "Monolithic", "monolithic": { "installDemoLoki": true } } }),
                (false, false, false),
            ),
            (
                json!({ "loki": { "mode": "Embedded" } }),
                (true, false, true),
            ),
        ],
    );
    let urls = |e: &Effective| {
        let connection = e.loki_connection();
        [
            connection.ingester_url,
            connection.querier_url,
            connection.status_url,
        ]
        .map(Option::unwrap_or_default)
    };
    let stack = "https://loki-gateway-http.netobserv.svc.cluster.local.:8080/api/logs/v1/network/";
    let status = "https://loki-query-frontend-http.netobserv.svc.cluster.local.:3100/";
    check(
        urls,
        vec![
            (json!({}), ["http://loki:3100/"; 3].map(str::to_owned)),
            (
                json!({ "loki": { "mode": "LokiStack" } }),
                [stack, stack, status].map(str::to_owned),
            ),
            (
                json!({ "loki": { "mode": "Microservices" } }),
                [
                    "http://loki-distributor:3100/",
                    "http://loki-query-frontend:3100/",
                    "http://loki-query-frontend:3100/",
                ]
                .map(str::to_owned),
            ),
            (
                json!({ "loki": { "mode": "Manual", "manual": { "ingesterUrl": "http://i/" } } }),
                ["http://i/", "http://loki:3100/", ""].map(str::to_owned),
            ),
            (
                json!({ "loki": { "mode": "Monolithic", "monolithic": { "installDemoLoki": true, "url": "http://x/" } } }),
                ["http://loki:3100/", "http://loki:3100/", ""].map(str::to_owned),
            ),
            (
                json!({ "loki": { "mode": "Embedded" } }),
                ["", "", ""].map(str::to_owned),
            ),
        ],
    );
}

#[test]
fn console() {
    check(
        |e| {
            (
                e.has_console(),
                e.deploys_console(true),
                e.deploys_console(false),
            )
        },
        vec![
            (json!({}), (true, true, true)),
            (
                json!({ "consolePlugin": { "enable": false } }),
                (false, false, false),
            ),
            (
                json!({ "consolePlugin": { "standalone": false } }),
                (true, true, false),
            ),
            (
                json!({ "loki": { "enable": false, "mode": "Manual" } }),
                (true, true, true),
            ),
            (
                json!({ "loki": { "enable": false, "mode": "Manual" }, "prometheus": { "querier": { "enable": false, "mode": "Auto" } } }),
                (false, false, false),
            ),
            (
                json!({ "execution": { "mode": "OnHold" } }),
                (true, false, false),
            ),
        ],
    );
    check(
        |e| {
            (
                e.is_console_standalone(true),
                e.is_console_standalone(false),
            )
        },
        vec![
            (json!({}), (false, true)),
            (
                json!({ "consolePlugin": { "standalone": true } }),
                (true, true),
            ),
            (
                json!({ "consolePlugin": { "standalone": false } }),
                (false, false),
            ),
        ],
    );
    check(
        |e| {
            (
                e.registers_console(),
                e.console_port(),
                e.console_replicas(),
            )
        },
        vec![
            (json!({}), (true, 9001, Some(1))),
            (
                json!({ "consolePlugin": { "replicas": 0, "advanced": { "register": false, "port": 9010 } } }),
                (false, 9010, Some(0)),
            ),
            (
                json!({ "consolePlugin": { "unmanagedReplicas": true } }),
                (true, 9001, None),
            ),
            (
                json!({ "consolePlugin": { "autoscaler": { "status": "Enabled" } } }),
                (true, 9001, None),
            ),
        ],
    );
}

#[test]
fn agents() {
    check(
        Effective::sampling,
        vec![(json!({}), 50), (agent(json!({ "sampling": 0 })), 0)],
    );
    check(
        Effective::has_packet_drop,
        vec![
            (json!({}), false),
            (agent(json!({ "features": ["PacketDrop"] })), false),
            (
                agent(json!({ "features": ["PacketDrop"], "privileged": true })),
                true,
            ),
            (
                agent(json!({ "features": ["PacketDrop", "EbpfManager"] })),
                true,
            ),
            (
                agent(json!({ "features": ["EbpfManager"], "privileged": true })),
                false,
            ),
        ],
    );
    check(
        |e| (e.has_agent_metrics(), e.agent_metrics_port()),
        vec![
            (json!({}), (true, 9400)),
            (
                agent(json!({ "metrics": { "enable": false } })),
                (false, 9400),
            ),
            (
                agent(json!({ "metrics": { "server": { "port": 9500 } } })),
                (true, 9500),
            ),
        ],
    );
    let cidrs = |e: &Effective| -> Vec<_> {
        let rules = e.flow_filter_rules();
        rules
            .into_iter()
            .map(|rule| rule.cidr.unwrap_or_default())
            .collect()
    };
    check(
        cidrs,
        vec![
            (json!({}), vec![]),
            (
                agent(json!({ "flowFilter": { "cidr": "10.0.0.0/8" } })),
                vec![],
            ),
            (
                agent(json!({ "flowFilter": { "enable": true, "cidr": "10.0.0.0/8" } })),
                vec!["10.0.0.0/8".to_owned()],
            ),
            (
                agent(
                    json!({ "flowFilter": { "enable": true, "cidr": "10.0.0.0/8", "rules": [{ "cidr": "::/0" }] } }),
                ),
                vec!["::/0".to_owned()],
            ),
        ],
    );
    check(
        Effective::has_filters_sampling,
        vec![
            (json!({}), false),
            (
                agent(json!({ "flowFilter": { "rules": [{ "sampling": 1 }] } })),
                false,
            ),
            (
                agent(json!({ "flowFilter": { "rules": [{ "sampling": 2 }] } })),
                true,
            ),
            (processor(json!({ "filters": [{ "sampling": 2 }] })), true),
            (processor(json!({ "filters": [{ "query": "a=1" }] })), false),
        ],
    );
}

#[test]
fn processing() {
    check(
        Effective::tracks_conversations,
        vec![
            (json!({}), false),
            (processor(json!({ "logTypes": "All" })), true),
        ],
    );
    check(
        |e| (e.detects_subnets(), e.has_subnet_labels()),
        vec![
            (json!({}), (true, true)),
            (
                processor(json!({ "subnetLabels": { "openShiftAutoDetect": false } })),
                (false, false),
            ),
            (
                processor(
                    json!({ "subnetLabels": { "openShiftAutoDetect": false, "customLabels": [{ "name": "a", "cidrs": [] }] } }),
                ),
                (false, true),
            ),
        ],
    );
    check(
        Effective::secondary_indexes,
        vec![
            (json!({}), vec![]),
            (
                agent(json!({ "privileged": true })),
                vec![
                    vec![NetworkIndex::Interface, NetworkIndex::Ip],
                    vec![NetworkIndex::Interface, NetworkIndex::Mac],
                ],
            ),
            (
                processor(json!({ "advanced": { "secondaryNetworks": [{ "index": ["MAC"] }] } })),
                vec![vec![NetworkIndex::Mac]],
            ),
        ],
    );
    check(
        Effective::processor_replicas,
        vec![
            (json!({}), Some(3)),
            (
                processor(json!({ "consumerReplicas": 0, "kafkaConsumerReplicas": 5 })),
                Some(0),
            ),
            (processor(json!({ "kafkaConsumerReplicas": 5 })), Some(5)),
            (processor(json!({ "unmanagedReplicas": true })), None),
            (
                processor(json!({ "kafkaConsumerAutoscaler": { "status": "Enabled" } })),
                None,
            ),
            (processor(json!({ "kafkaConsumerAutoscaler": {} })), Some(3)),
        ],
    );
    check(
        |e| {
            (
                e.processor_port(),
                e.processor_health_port(),
                e.processor_profile_port(),
                e.processor_metrics_port(),
            )
        },
        vec![
            (json!({}), (2055, 8080, None, 9401)),
            (
                processor(
                    json!({ "advanced": { "port": 3000, "healthPort": 81, "profilePort": 6060 }, "metrics": { "server": { "port": 9500 } } }),
                ),
                (3000, 81, Some(6060), 9500),
            ),
            (
                processor(json!({ "advanced": { "profilePort": 0 } })),
                (2055, 8080, None, 9401),
            ),
        ],
    );
    check(
        |e| (e.has_processor_probes(), e.has_slices()),
        vec![
            (json!({}), (true, false)),
            (
                processor(
                    json!({ "advanced": { "enableKubeProbes": false }, "slicesConfig": { "enable": true } }),
                ),
                (false, true),
            ),
        ],
    );
}

#[test]
fn placement() {
    let tolerates = |scheduling: Scheduling| scheduling.tolerations.map(|t| t.len());
    check(
        |e| {
            (
                tolerates(e.agent_scheduling()),
                tolerates(e.processor_scheduling()),
                tolerates(e.console_scheduling()),
            )
        },
        vec![
            (json!({}), (Some(1), None, None)),
            (
                json!({ "deploymentModel": "Direct" }),
                (Some(1), Some(1), None),
            ),
            (
                agent(json!({ "advanced": { "scheduling": { "tolerations": [] } } })),
                (Some(0), None, None),
            ),
            (
                agent(json!({ "advanced": { "scheduling": { "nodeSelector": { "a": "b" } } } })),
                (Some(1), None, None),
            ),
        ],
    );
    check(
        |e| e.agent_scheduling().priority_class_name,
        vec![
            (
                agent(json!({ "advanced": { "scheduling": { "priorityClassName": "" } } })),
                None,
            ),
            (
                agent(json!({ "advanced": { "scheduling": { "priorityClassName": "high" } } })),
                Some("high".to_owned()),
            ),
        ],
    );
}

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
