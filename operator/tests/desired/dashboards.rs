//! Dashboards of the OpenShift console: where they are, what they show.

use crate::support::{desired, desired_beside, facts, find, kubernetes, names, openshift};
use netobserv_operator::desired::{Component, Desired};
use serde_json::{Value, json};

const MAIN: &str = "netobserv-main";
const HEALTH: &str = "grafana-dashboard-netobserv-health";

/// The dashboard in a ConfigMap.
fn dashboard(desired: &Desired, name: &str) -> Value {
    let config_map = find(desired, "ConfigMap", name).unwrap();
    let metadata = &config_map["metadata"];
    assert_eq!(metadata["namespace"], "openshift-config-managed");
    assert_eq!(metadata["labels"]["console.openshift.io/dashboard"], "true");
    let key = if name == HEALTH {
        "netobserv-health-metrics.json"
    } else {
        "netobserv-flow-metrics.json"
    };
    serde_json::from_str(config_map["data"][key].as_str().unwrap()).unwrap()
}

/// `row: title (span)` of every panel, in order.
fn panels(dashboard: &Value) -> Vec<String> {
    let mut panels = Vec::new();
    for row in dashboard["rows"].as_array().unwrap() {
        for panel in row["panels"].as_array().unwrap() {
            panels.push(format!(
                "{}: {} ({})",
                row["title"].as_str().unwrap(),
                panel["title"].as_str().unwrap(),
                panel["span"]
            ));
        }
    }
    panels
}

/// A panel by its title.
fn panel(dashboard: &Value, title: &str) -> Value {
    let rows = dashboard["rows"].as_array().unwrap().iter();
    let mut panels = rows.flat_map(|row| row["panels"].as_array().unwrap());
    panels
        .find(|panel| panel["title"] == title)
        .unwrap_or_else(|| panic!("no panel {title}"))
        .clone()
}

fn expression(panel: &Value) -> &str {
    panel["targets"][0]["expr"].as_str().unwrap()
}

fn with_metrics(names: Value) -> Value {
    json!({"agent": {"ebpf": {"privileged": true, "features": ["PacketDrop", "DNSTracking", "FlowRTT", "NetworkEvents", "IPSec"]}},
        "processor": {"metrics": {"includeList": names}}})
}

fn metric(name: &str, charts: Value) -> Value {
    json!({"apiVersion": "flows.netobserv.io/v1alpha1", "kind": "FlowMetric",
        "metadata": {"name": name, "namespace": "netobserv"},
        "spec": {"type": "Counter", "charts": charts}})
}

#[test]
fn dashboards_are_there_on_openshift_with_an_api_to_scrape() {
    let is_dashboard = |name: &String| name.contains("netobserv-main") || name.contains("grafana");
    let found = |desired: &Desired| -> Vec<String> {
        names(desired).into_iter().filter(is_dashboard).collect()
    };
    assert_eq!(found(&desired(&json!({}), &kubernetes())), [""; 0]);
    let on_openshift = desired(&json!({}), &openshift("4.19.0"));
    assert_eq!(
        found(&on_openshift),
        [format!("ConfigMap {HEALTH}"), format!("ConfigMap {MAIN}")]
    );
    let bare = facts(&["securitycontextconstraints.security.openshift.io/v1"]);
    let without_api = desired(&json!({}), &bare);
    assert_eq!(found(&without_api), [""; 0]);
    let mut problems = without_api.problems.iter();
    assert!(
        problems.any(|problem| problem.component == Component::Monitoring
            && problem.reason == "ServiceMonitorMissing")
    );
}

#[test]
fn predefined_metrics_have_charts() {
    for (metrics, expected) in [
        (
            json!(["node_ingress_bytes_total"]),
            vec![
                ": Total ingress traffic (3)",
                "Traffic rates per node: Top ingress traffic per node (Bps) (4)",
            ],
        ),
        (
            json!([
                "workload_egress_bytes_total",
                "namespace_egress_bytes_total"
            ]),
            vec![
                ": Total egress traffic (3)",
                "Traffic rates per namespace: Top egress traffic per infra namespace (Bps) (4)",
                "Traffic rates per namespace: Top egress traffic per app namespace (Bps) (4)",
                "Traffic rates per workload: Top egress traffic per infra workload (Bps) (4)",
                "Traffic rates per workload: Top egress traffic per app workload (Bps) (4)",
            ],
        ),
        // Packets say nothing new beside bytes, those of namespaces neither beside bytes of workloads.
        (
            json!(["node_egress_packets_total"]),
            vec![
                ": Total egress traffic (3)",
                "Traffic rates per node: Top egress traffic per node (pps) (4)",
            ],
        ),
        (
            json!(["node_egress_packets_total", "node_egress_bytes_total"]),
            vec![
                ": Total egress traffic (3)",
                "Traffic rates per node: Top egress traffic per node (Bps) (4)",
            ],
        ),
        (
            json!([
                "namespace_egress_packets_total",
                "workload_egress_bytes_total"
            ]),
            vec![
                ": Total egress traffic (3)",
                "Traffic rates per namespace: Top egress traffic per infra namespace (Bps) (4)",
                "Traffic rates per namespace: Top egress traffic per app namespace (Bps) (4)",
                "Traffic rates per workload: Top egress traffic per infra workload (Bps) (4)",
                "Traffic rates per workload: Top egress traffic per app workload (Bps) (4)",
            ],
        ),
        (
            json!(["node_rtt_seconds"]),
            vec![
                ": TCP latency, p99 (3)",
                "TCP latencies: Top P50 sRTT per node (ms) (4)",
                "TCP latencies: Top P99 sRTT per node (ms) (4)",
            ],
        ),
        // Four graphs: the last two are halves.
        (
            json!(["namespace_rtt_seconds"]),
            vec![
                ": TCP latency, p99 (3)",
                "TCP latencies: Top P50 sRTT per infra namespace (ms) (4)",
                "TCP latencies: Top P50 sRTT per app namespace (ms) (4)",
                "TCP latencies: Top P99 sRTT per infra namespace (ms) (6)",
                "TCP latencies: Top P99 sRTT per app namespace (ms) (6)",
            ],
        ),
        (
            json!(["node_drop_packets_total", "node_drop_bytes_total"]),
            vec![
                ": Drops (3)",
                "Byte and packet drops: Top drops per node (pps) (4)",
                "Byte and packet drops: Top drops per node (Bps) (4)",
            ],
        ),
        (
            json!(["node_dns_latency_seconds"]),
            vec![
                ": DNS latency, p99 (3)",
                ": DNS error rate (3)",
                "DNS: Top P50 DNS latency per node (ms) (4)",
                "DNS: Top P99 DNS latency per node (ms) (4)",
                "DNS: DNS error rate per node (4)",
            ],
        ),
        (
            json!(["node_network_policy_events_total"]),
            vec![
                ": Policy drop rate (3)",
                ": Policy allow rate (3)",
                "Network Policy: Drop rate per node (4)",
                "Network Policy: Allow rate per node (4)",
            ],
        ),
        (
            json!(["node_ipsec_flows_total"]),
            vec![
                ": IPsec encrypted traffic (3)",
                "IPsec: IPsec flows rate (4)",
            ],
        ),
    ] {
        let desired = desired(&with_metrics(metrics.clone()), &openshift("4.19.0"));
        assert_eq!(panels(&dashboard(&desired, MAIN)), expected, "{metrics}");
    }
    // Where no chart is, no dashboard is.
    let desired = desired(
        &with_metrics(json!(["node_flows_total"])),
        &openshift("4.19.0"),
    );
    assert_eq!(find(&desired, "ConfigMap", MAIN), None);
}

#[test]
fn queries_are_those_of_the_specification() {
    let metrics = json!(["node_egress_bytes_total", "namespace_dns_latency_seconds"]);
    let desired = desired(&with_metrics(metrics), &openshift("4.19.0"));
    let main = dashboard(&desired, MAIN);
    assert_eq!(main["title"], "NetObserv / Main");
    assert_eq!(main["schemaVersion"], 16);
    let total = panel(&main, "Total egress traffic");
    assert_eq!(total["type"], "singlestat");
    assert_eq!(total["format"], "Bps");
    assert_eq!(
        expression(&total),
        "sum(rate(netobserv_node_egress_bytes_total[2m]))"
    );
    let top = panel(&main, "Top egress traffic per node (Bps)");
    assert_eq!(top["type"], "graph");
    assert_eq!(top["stack"], true);
    assert_eq!(
        expression(&top),
        "topk(7, sum(rate(netobserv_node_egress_bytes_total{}[2m])) by (SrcK8S_HostName,DstK8S_HostName))"
    );
    assert_eq!(
        top["targets"][0]["legendFormat"],
        "source:{{SrcK8S_HostName}}, dest:{{DstK8S_HostName}}"
    );
    let latency = panel(&main, "DNS latency, p99");
    assert_eq!(latency["format"], "s");
    let errors = panel(&main, "DNS error rate per app namespace");
    let side = |side: &str| {
        format!(
            r#"(sum(rate(netobserv_namespace_dns_latency_seconds_count{{DnsFlagsResponseCode!="NoError",K8S_FlowLayer="app",{side}K8S_Namespace!=""}}[2m])) by (DnsFlagsResponseCode,SrcK8S_Namespace,DstK8S_Namespace))"#
        )
    };
    assert_eq!(
        expression(&errors),
        format!("topk(7, {} or {})", side("Src"), side("Dst"))
    );
}

#[test]
fn users_charts_stand_on_their_dashboards() {
    let query =
        |text: &str, legend: &str, top: i32| json!({"promQL": text, "legend": legend, "top": top});
    let chart = |dashboard: &str, row: &str, title: &str, kind: &str, queries: Value| {
        json!({
        "dashboardName": dashboard, "sectionName": row, "title": title, "type": kind, "queries": queries})
    };
    let charts = json!([
        chart(
            "My App #2",
            "Rows",
            "Lines",
            "Line",
            json!([query(
                "sum(rate($METRIC{a=\"b\"}[2m]))\n\tby (c)",
                "say \"c\"",
                3
            )])
        ),
        chart(
            "My App #2",
            "",
            "Value",
            "SingleStat",
            json!([
                query("sum($METRIC)", "", 1),
                query("avg($METRIC)", "mean", 1)
            ])
        ),
        chart(
            "My App #2",
            "Other",
            "Lines",
            "Line",
            json!([query("again", "", 1)])
        ),
        chart(
            "",
            "",
            "On main",
            "StackArea",
            json!([query("$METRIC", "", 0)])
        ),
        chart(
            "#",
            "",
            "On main too",
            "StackArea",
            json!([query("$METRIC", "", 5)])
        ),
    ]);
    let given = [metric("te-st", charts)];
    let desired = desired_beside(&with_metrics(json!([])), &openshift("4.19.0"), &given, &[]);
    let own = dashboard(&desired, "netobserv-my-app--2");
    assert_eq!(own["title"], "NetObserv / My App #2");
    assert_eq!(
        panels(&own),
        [": Value (3)", ": Value, mean (3)", "Rows: Lines (4)"]
    );
    let lines = panel(&own, "Lines");
    assert_eq!(
        expression(&lines),
        "topk(3, sum(rate(netobserv_te_st{a=\"b\"}[2m]))  by (c))"
    );
    assert_eq!(lines["targets"][0]["legendFormat"], "say \"c\"");
    let main = dashboard(&desired, MAIN);
    assert_eq!(panels(&main), [": On main (4)", ": On main too (4)"]);
    assert_eq!(
        expression(&panel(&main, "On main")),
        "topk(7, netobserv_te_st)"
    );
}

#[test]
fn a_large_top_row_has_a_title() {
    let charts: Vec<_> = (0..9)
        .map(|at| {
            json!({"dashboardName": "Main", "title": format!("Chart {at}"), "type": "Line",
            "queries": [{"promQL": "x", "legend": "", "top": 7}]})
        })
        .collect();
    let given = [metric("m", json!(charts))];
    let spec = with_metrics(json!([]));
    let desired = desired_beside(&spec, &openshift("4.19.0"), &given, &[]);
    let row = &dashboard(&desired, MAIN)["rows"][0];
    assert_eq!(row["title"], "Overview");
    assert_eq!(row["showTitle"], true);
}

#[test]
fn the_health_dashboard_follows_the_metrics_and_loki() {
    let no_loki = json!({"loki": {"enable": false, "mode": "Monolithic"}});
    let with_loki = json!({"loki": {"mode": "Monolithic"}});
    for (spec, flows, has_loki) in [
        (no_loki, "netobserv_workload_flows_total", false),
        (with_loki, "netobserv_namespace_flows_total", true),
    ] {
        let desired = desired(&spec, &openshift("4.19.0"));
        let health = dashboard(&desired, HEALTH);
        assert_eq!(health["title"], "NetObserv / Health");
        let rows: Vec<_> = health["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                (
                    row["title"].clone(),
                    row["height"].clone(),
                    row["collapse"].clone(),
                    row["panels"].as_array().unwrap().len(),
                )
            })
            .collect();
        let row = |title: &str, height: &str, collapse: bool, panels: usize| {
            (json!(title), json!(height), json!(collapse), panels)
        };
        assert_eq!(
            rows,
            [
                row("", "100px", false, 4),
                row("Flowlogs-pipeline statistics", "250px", false, 6),
                row("eBPF agent statistics", "250px", true, 7),
                row("Operator statistics", "250px", true, 2),
                row("Resource usage", "250px", true, 6),
            ]
        );
        assert_eq!(health.to_string().contains("netobserv_loki_"), has_loki);
        assert_eq!(
            expression(&panel(&health, "Flows overhead")),
            format!(
                "100 * sum(rate({flows}{{SrcK8S_Namespace='netobserv'}}[1m]) or \
                 rate({flows}{{SrcK8S_Namespace!='netobserv',DstK8S_Namespace='netobserv'}}[1m])) / sum(rate({flows}[1m]))"
            )
        );
        let dropped = panel(&health, "Dropped flows per second");
        assert!(
            expression(&dropped)
                .contains("(sum(rate(netobserv_agent_dropped_flows_total[1m])) OR on() vector(0))")
        );
    }
}
