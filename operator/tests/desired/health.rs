//! Health rules: which are made, their names, expressions and annotations.

use crate::support::{TEMPLATES, desired, find, kubernetes};
use serde_json::{Value, json};

/// All rules of the pipeline's PrometheusRule.
fn rules(spec: &Value) -> Vec<Value> {
    let desired = desired(spec, &kubernetes());
    let object = find(&desired, "PrometheusRule", "flowlogs-pipeline-alert").unwrap();
    let groups = object["spec"]["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0]["name"], "NetObservFlowLogsPipeline");
    groups[0]["rules"].as_array().unwrap().clone()
}

fn name(rule: &Value) -> String {
    let name = rule["alert"].as_str().or(rule["record"].as_str());
    name.unwrap().to_owned()
}

fn names(rules: &[Value]) -> Vec<String> {
    rules.iter().map(name).collect()
}

/// A specification with one health rule, all features and all other rules off.
fn one(template: &str, mode: &str, variant: Value, metrics: Value) -> Value {
    let others: Vec<_> = TEMPLATES
        .into_iter()
        .chain(["NetObservNoFlows", "NetObservLokiError"])
        .filter(|other| *other != template)
        .collect();
    json!({
        "agent": {"ebpf": {"privileged": true, "features": FEATURES}},
        "processor": {"metrics": {"includeList": metrics, "disableAlerts": others,
            "healthRules": [{"template": template, "mode": mode, "variants": [variant]}]}},
    })
}

const FEATURES: [&str; 5] = [
    "PacketDrop",
    "DNSTracking",
    "FlowRTT",
    "NetworkEvents",
    "IPSec",
];

#[test]
fn the_built_in_rules_come_in_order() {
    let spec = json!({
        "agent": {"ebpf": {"privileged": true, "features": FEATURES}},
        "loki": {"mode": "Monolithic"},
        "processor": {"metrics": {"disableAlerts":
            ["ExternalEgressHighTrend", "ExternalIngressHighTrend", "NetObservLokiError"]}},
    });
    assert_eq!(
        names(&rules(&spec)),
        [
            "netobserv:health:packet_drops_kernel:namespace:src:rate2m",
            "netobserv:health:packet_drops_kernel:namespace:dst:rate2m",
            "netobserv:health:packet_drops_kernel:node:src:rate2m",
            "netobserv:health:packet_drops_kernel:node:dst:rate2m",
            "PacketDropsByDevice_PerNodeWarning",
            "PacketDropsByDevice_PerNodeInfo",
            "IPsecErrors_Warning",
            "IPsecErrors_PerSrcNodeWarning",
            "IPsecErrors_PerDstNodeWarning",
            "DNSErrors_Warning",
            "DNSErrors_PerDstNamespaceWarning",
            "DNSErrors_PerDstNamespaceInfo",
            "netobserv:health:dns_nxdomain:namespace:dst:rate2m",
            "netobserv:health:netpol_denied:namespace:src:rate2m",
            "netobserv:health:netpol_denied:namespace:dst:rate2m",
            "netobserv:health:tcp_latency_increase_p90:namespace:src:rate2m",
            "netobserv:health:tcp_latency_increase_p90:namespace:dst:rate2m",
            "netobserv:health:ingress_5xx_errors:namespace:src:rate2m",
            "netobserv:health:ingress_http_latency_increase_avg:namespace:src:rate2m",
            "NetObservNoFlows",
        ]
    );
}

#[test]
fn rules_are_selected_as_the_specification_says() {
    let variant = |threshold: &str| json!([{"thresholds": {"warning": threshold}}]);
    let without = |rules: Vec<String>| -> Vec<String> {
        let is_of_templates = |name: &String| !name.starts_with("NetObserv");
        rules.into_iter().filter(is_of_templates).collect()
    };
    for (metrics, expected) in [
        // Without features only what needs none; traffic trends need a metric, which the default has for workloads.
        (
            json!({"includeList": []}),
            vec![
                "PacketDropsByDevice_PerNodeWarning",
                "PacketDropsByDevice_PerNodeInfo",
                "netobserv:health:ingress_5xx_errors:namespace:src:rate2m",
                "netobserv:health:ingress_http_latency_increase_avg:namespace:src:rate2m",
            ],
        ),
        // A user's rule takes the place of the built-in one, with all its variants; a disabled one is gone.
        (
            json!({"includeList": [], "disableAlerts": ["Ingress5xxErrors", "IngressHTTPLatencyTrend"],
            "healthRules": [
                {"template": "PacketDropsByDevice", "variants": variant("3")},
                {"template": "Ingress5xxErrors", "variants": variant("3")}]}),
            vec!["PacketDropsByDevice_Warning"],
        ),
        // A variant's mode wins.
        (
            json!({"includeList": [], "disableAlerts": ["Ingress5xxErrors", "IngressHTTPLatencyTrend"],
            "healthRules": [{"template": "PacketDropsByDevice", "mode": "Alert", "variants": [
                {"thresholds": {"info": "3"}, "mode": "Recording"},
                {"groupBy": "Node", "thresholds": {"critical": "9"}}]}]}),
            vec![
                "netobserv:health:packet_drops_device:rate2m",
                "PacketDropsByDevice_PerNodeCritical",
            ],
        ),
        // A threshold that is no number is left out: it would spoil the file for Prometheus.
        (
            json!({"includeList": [], "disableAlerts": ["Ingress5xxErrors", "IngressHTTPLatencyTrend"],
            "healthRules": [{"template": "PacketDropsByDevice", "variants": [{"thresholds": {"info": "3", "warning": "x) or vector(1"}}]}]}),
            vec!["PacketDropsByDevice_Info"],
        ),
    ] {
        let spec = json!({"processor": {"metrics": metrics}});
        assert_eq!(without(names(&rules(&spec))), expected, "{spec}");
    }
}

/// Name and expression of every rule.
fn check(template: &str, mode: &str, variant: Value, metrics: Value, expected: &[(&str, &str)]) {
    let rules = rules(&one(template, mode, variant, metrics));
    let found: Vec<_> = rules
        .iter()
        .map(|rule| (name(rule), rule["expr"].as_str().unwrap().to_owned()))
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, expr)| ((*name).to_owned(), (*expr).to_owned()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn expressions_are_those_of_the_worked_examples() {
    check(
        "PacketDropsByKernel",
        "Alert",
        json!({"thresholds": {"critical": "40"}}),
        json!([
            "namespace_drop_packets_total",
            "namespace_ingress_packets_total"
        ]),
        &[(
            "PacketDropsByKernel_Critical",
            "100 * (sum(rate(netobserv_namespace_drop_packets_total[2m]))) / (sum(rate(netobserv_namespace_ingress_packets_total[2m]))) > 40",
        )],
    );
    let side = |side: &str, name: &str| {
        let sum = |stretch: &str| {
            format!(
                r#"histogram_quantile(0.9, sum(label_replace(rate(netobserv_namespace_rtt_seconds_bucket{{{side}K8S_Namespace!=""}}{stretch}), "namespace", "$1", "{side}K8S_Namespace", "(.*)")) by (namespace,le))"#
            )
        };
        let (now, before) = (sum("[2m]"), sum("[2h] offset 24h"));
        (
            name.to_owned(),
            format!("100 * (({now}) - ({before})) / ({before}) > 100"),
        )
    };
    let (src, dst) = (
        side("Src", "LatencyHighTrend_PerSrcNamespaceInfo"),
        side("Dst", "LatencyHighTrend_PerDstNamespaceInfo"),
    );
    check(
        "LatencyHighTrend",
        "Alert",
        json!({"groupBy": "Namespace", "thresholds": {"info": "100"}}),
        json!(["namespace_rtt_seconds"]),
        &[(&src.0, &src.1), (&dst.0, &dst.1)],
    );
    let dns = |count: &str| {
        format!(
            r#"sum(label_replace(rate(netobserv_namespace_dns_latency_seconds_count{{DstK8S_Namespace!=""{count}}}[2m]), "namespace", "$1", "DstK8S_Namespace", "(.*)")) by (namespace)"#
        )
    };
    let errors = dns(r#",DnsFlagsResponseCode!~"NoError|NXDomain""#);
    let all = dns("");
    check(
        "DNSErrors",
        "Alert",
        json!({"groupBy": "Namespace", "thresholds": {"info": "5", "warning": "10"}, "lowVolumeThreshold": "2"}),
        json!(["namespace_dns_latency_seconds"]),
        &[
            (
                "DNSErrors_PerDstNamespaceWarning",
                &format!("100 * ({errors}) / ({all} > 2) > 10"),
            ),
            (
                "DNSErrors_PerDstNamespaceInfo",
                &format!("100 * ({errors}) / ({all} > 2) > 5 < 10"),
            ),
        ],
    );
}

#[test]
fn each_template_has_its_expression() {
    check(
        "DNSNxDomain",
        "Recording",
        json!({"thresholds": {"info": "5"}}),
        json!(["workload_dns_latency_seconds"]),
        &[(
            "netobserv:health:dns_nxdomain:rate2m",
            r#"100 * (sum(rate(netobserv_workload_dns_latency_seconds_count{DnsFlagsResponseCode="NXDomain"}[2m]))) / (sum(rate(netobserv_workload_dns_latency_seconds_count[2m])))"#,
        )],
    );
    check(
        "IPsecErrors",
        "Alert",
        json!({"thresholds": {"warning": "2"}}),
        json!(["node_ipsec_flows_total", "node_to_node_ingress_flows_total"]),
        &[(
            "IPsecErrors_Warning",
            r#"100 * (sum(rate(netobserv_node_ipsec_flows_total{IPSecStatus="error"}[2m]))) / (sum(rate(netobserv_node_to_node_ingress_flows_total[2m]))) > 2"#,
        )],
    );
    let workload = |metric: &str, side: &str, more: &str| {
        format!(
            r#"sum(label_replace(label_replace(label_replace(rate({metric}{{{side}K8S_Namespace!="",{side}K8S_OwnerName!="",{side}K8S_OwnerType!=""{more}}}[2m]), "namespace", "$1", "{side}K8S_Namespace", "(.*)"), "workload", "$1", "{side}K8S_OwnerName", "(.*)"), "kind", "$1", "{side}K8S_OwnerType", "(.*)")) by (namespace,workload,kind)"#
        )
    };
    let netpol = |side: &str| {
        let denied = workload(
            "netobserv_workload_network_policy_events_total",
            side,
            r#",action="drop""#,
        );
        let all = workload("netobserv_workload_flows_total", side, "");
        format!("100 * ({denied}) / ({all})")
    };
    check(
        "NetpolDenied",
        "Recording",
        json!({"groupBy": "Workload", "thresholds": {"info": "5"}}),
        json!([
            "workload_network_policy_events_total",
            "workload_flows_total"
        ]),
        &[
            (
                "netobserv:health:netpol_denied:workload:src:rate2m",
                &netpol("Src"),
            ),
            (
                "netobserv:health:netpol_denied:workload:dst:rate2m",
                &netpol("Dst"),
            ),
        ],
    );
    let egress = |stretch: &str| {
        format!(
            r#"sum(label_replace(rate(netobserv_node_egress_bytes_total{{SrcK8S_HostName!="",DstSubnetLabel=~"|EXT:.*",DstK8S_Namespace="",DstK8S_OwnerName=""}}{stretch}), "node", "$1", "SrcK8S_HostName", "(.*)")) by (node)"#
        )
    };
    let (now, before) = (
        egress("[2m]"),
        egress("[1h30m] offset 1h0m5s").replace("1h0m5s", "1h5s"),
    );
    check(
        "ExternalEgressHighTrend",
        "Recording",
        json!({"groupBy": "Node", "thresholds": {"info": "5"}, "trendOffset": "3605s", "trendDuration": "90m"}),
        json!(["node_egress_bytes_total"]),
        &[(
            "netobserv:health:external_egress:node:src:rate2m",
            &format!("100 * (({now}) - ({before})) / ({before})"),
        )],
    );
    let ingress = |stretch: &str| {
        format!(
            r#"sum(rate(netobserv_namespace_ingress_bytes_total{{SrcSubnetLabel=~"|EXT:.*",SrcK8S_Namespace="",SrcK8S_OwnerName=""}}{stretch}))"#
        )
    };
    let (now, before) = (ingress("[2m]"), ingress("[2h] offset 24h"));
    check(
        "ExternalIngressHighTrend",
        "Alert",
        json!({"thresholds": {"warning": "300"}}),
        json!(["namespace_ingress_bytes_total"]),
        &[(
            "ExternalIngressHighTrend_Warning",
            &format!("100 * (({now}) - ({before})) / ({before}) > 300"),
        )],
    );
    // Stored before these were refused: Prometheus would not load the rule.
    check(
        "ExternalIngressHighTrend",
        "Alert",
        json!({"thresholds": {"warning": "300"}, "trendOffset": "1.5s", "trendDuration": "500ms"}),
        json!(["namespace_ingress_bytes_total"]),
        &[(
            "ExternalIngressHighTrend_Warning",
            &format!("100 * (({now}) - ({before})) / ({before}) > 300"),
        )],
    );
    let devices = |what: &str, by: &str| {
        format!(
            "sum(rate(node_network_receive_{what}_total[2m])){by} + sum(rate(node_network_transmit_{what}_total[2m])){by}"
        )
    };
    let by = " by (instance)";
    check(
        "PacketDropsByDevice",
        "Recording",
        json!({"groupBy": "Node", "thresholds": {"info": "5"}}),
        json!([]),
        &[(
            "netobserv:health:packet_drops_device:node:rate2m",
            &format!(
                "100 * ({}) / ({})",
                devices("drop", by),
                devices("packets", by)
            ),
        )],
    );
    let responses = |code: &str| {
        format!(
            r#"sum(label_replace(rate(haproxy_server_http_responses_total{code}[2m]), "namespace", "$1", "exported_namespace", "(.*)")) by (namespace)"#
        )
    };
    check(
        "Ingress5xxErrors",
        "Alert",
        json!({"groupBy": "Namespace", "thresholds": {"info": "5"}}),
        json!([]),
        &[(
            "Ingress5xxErrors_PerSrcNamespaceInfo",
            &format!(
                "100 * ({}) / ({}) > 5",
                responses(r#"{code="5xx"}"#),
                responses("")
            ),
        )],
    );
    let latency = "haproxy_server_http_average_response_latency_milliseconds";
    check(
        "IngressHTTPLatencyTrend",
        "Alert",
        json!({"thresholds": {"info": "5"}}),
        json!([]),
        &[(
            "IngressHTTPLatencyTrend_Info",
            &format!(
                "100 * ((avg({latency})) - (avg({latency} offset 24h))) / (avg({latency} offset 24h)) > 5"
            ),
        )],
    );
    // Without a metric there is no rule.
    check(
        "LatencyHighTrend",
        "Alert",
        json!({"thresholds": {"info": "5"}}),
        json!([]),
        &[],
    );
}

/// The annotation that the console reads, as text: its keys have an order.
fn health(template: &str, variant: Value, metrics: Value) -> String {
    let rules = rules(&one(template, "Alert", variant, metrics));
    let text = &rules[0]["annotations"]["netobserv_io_network_health"];
    text.as_str().unwrap().to_owned()
}

#[test]
fn the_console_is_told_what_the_worked_examples_say() {
    for (template, variant, metrics, expected) in [
        (
            "PacketDropsByKernel",
            json!({"thresholds": {"critical": "40"}}),
            json!([
                "namespace_drop_packets_total",
                "namespace_ingress_packets_total"
            ]),
            r#"{"alertThreshold":"40","unit":"%"}"#,
        ),
        (
            "LatencyHighTrend",
            json!({"groupBy": "Namespace", "thresholds": {"info": "100"}}),
            json!(["namespace_rtt_seconds"]),
            r#"{"alertThreshold":"100","upperBound":"500","unit":"%","namespaceLabels":["namespace"]}"#,
        ),
        (
            "DNSErrors",
            json!({"groupBy": "Workload", "thresholds": {"info": "1"}}),
            json!(["workload_dns_latency_seconds"]),
            r#"{"alertThreshold":"1","unit":"%","namespaceLabels":["namespace"],"workloadLabels":["workload"],"kindLabels":["kind"],"trafficLink":{"extraFilter":"dns_flag_response_code!=\"NoError,NXDomain\"","backAndForth":false,"filterDestination":true}}"#,
        ),
        (
            "ExternalIngressHighTrend",
            json!({"groupBy": "Node", "thresholds": {"info": "1", "warning": "15.5"}}),
            json!(["node_ingress_bytes_total"]),
            r#"{"alertThreshold":"15.5","upperBound":"100","unit":"%","nodeLabels":["node"],"trafficLink":{"extraFilter":"src_subnet_label=\"\",EXT:","backAndForth":true,"filterDestination":true}}"#,
        ),
        (
            "PacketDropsByDevice",
            json!({"groupBy": "Node", "thresholds": {"info": "1"}}),
            json!([]),
            r#"{"alertThreshold":"1","unit":"%","nodeLabels":["instance"]}"#,
        ),
    ] {
        assert_eq!(health(template, variant, metrics), expected, "{template}");
    }
}

#[test]
fn an_alert_has_labels_and_texts_and_a_recorded_series_only_labels() {
    let variant = json!({"groupBy": "Node", "thresholds": {"info": "7"}, "trendOffset": "12h"});
    let metrics = json!(["node_egress_bytes_total"]);
    let template = "ExternalEgressHighTrend";
    let alert = rules(&one(template, "Alert", variant.clone(), metrics.clone()))[0].clone();
    assert_eq!(alert["for"], "5m");
    assert_eq!(
        alert["labels"],
        json!({"template": template, "app": "netobserv", "netobserv": "true", "severity": "info"})
    );
    let annotations = &alert["annotations"];
    assert_eq!(
        annotations["runbook_url"],
        "https://github.com/openshift/runbooks/blob/master/alerts/network-observability-operator/ExternalEgressHighTrend.md"
    );
    let description = annotations["description"].as_str().unwrap();
    for part in ["7%", "12h", "[source node={{ $labels.node }}]"] {
        assert!(description.contains(part), "{description}");
    }
    let recording = rules(&one(template, "Recording", variant, metrics))[0].clone();
    let mut keys: Vec<_> = recording.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["expr", "labels", "record"]);
    assert_eq!(
        recording["labels"],
        json!({"template": template, "app": "netobserv", "netobserv": "true"})
    );
}

#[test]
fn the_object_says_which_version_of_the_pipeline_it_is_for() {
    let desired = desired(&json!({}), &kubernetes());
    let object = find(&desired, "PrometheusRule", "flowlogs-pipeline-alert").unwrap();
    let labels = &object["metadata"]["labels"];
    assert_eq!(labels["part-of"], "netobserv-operator");
    assert_eq!(labels["version"], "v2");
}

#[test]
fn the_console_is_told_of_the_series_that_are_recorded_and_no_others() {
    let spec = json!({"loki": {"mode": "Monolithic"},
        "agent": {"ebpf": {"privileged": true, "features": FEATURES}}});
    let desired = desired(&spec, &kubernetes());
    let config_map = find(&desired, "ConfigMap", "console-plugin-config").unwrap();
    let text = config_map["data"]["config.yaml"].as_str().unwrap();
    let config: Value = serde_saphyr::from_str(text).unwrap();
    let told = config["frontend"]["recordingAnnotations"]
        .as_object()
        .unwrap();
    let mut recorded: Vec<_> = rules(&spec)
        .iter()
        .filter_map(|rule| rule["record"].as_str().map(str::to_owned))
        .collect();
    recorded.sort();
    assert_eq!(told.keys().cloned().collect::<Vec<_>>(), recorded);
    let trend = &told["netobserv:health:tcp_latency_increase_p90:namespace:dst:rate2m"];
    assert_eq!(
        trend["netobserv_io_network_health"],
        r#"{"recordingThresholds":{"info":"100"},"upperBound":"500","unit":"%","namespaceLabels":["namespace"]}"#
    );
}
