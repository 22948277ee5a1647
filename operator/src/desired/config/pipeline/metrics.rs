//! The predefined metrics, in the order in which NetObserv defines them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::filter;
use super::graph::Graph;
use super::number::{Number, null_if_empty};
use super::stage::Settings;
use crate::apis::flowcollector::v1beta2::agent::Feature;
use crate::apis::flowcollector::v1beta2::processor::{FilterTarget, LogTypes};
use crate::desired::Context;
use crate::desired::build::texts;
use crate::effective::Effective;
use crate::scope::METRICS_PREFIX;

/// Bounds of a latency's buckets, in seconds.
const LATENCY_BUCKETS: [f64; 10] = [0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.25, 1.0];
const GROUPS: [&str; 3] = ["node", "namespace", "workload"];
const NODE_LABELS: [&str; 6] = [
    "K8S_ClusterName",
    "SrcK8S_Zone",
    "DstK8S_Zone",
    "SrcK8S_HostName",
    "DstK8S_HostName",
    "TLSVersion",
];
const NAMESPACE_LABELS: [&str; 9] = [
    "K8S_ClusterName",
    "SrcK8S_Zone",
    "DstK8S_Zone",
    "SrcK8S_Namespace",
    "DstK8S_Namespace",
    "K8S_FlowLayer",
    "SrcSubnetLabel",
    "DstSubnetLabel",
    "TLSVersion",
];
const WORKLOAD_LABELS: [&str; 17] = [
    "K8S_ClusterName",
    "SrcK8S_Zone",
    "DstK8S_Zone",
    "SrcK8S_Namespace",
    "DstK8S_Namespace",
    "K8S_FlowLayer",
    "SrcSubnetLabel",
    "DstSubnetLabel",
    "SrcK8S_NetworkName",
    "DstK8S_NetworkName",
    "SrcK8S_OwnerName",
    "DstK8S_OwnerName",
    "SrcK8S_OwnerType",
    "DstK8S_OwnerType",
    "SrcK8S_Type",
    "DstK8S_Type",
    "TLSVersion",
];

/// Fields of an event of a network policy, and the labels they become.
const EVENT_LABELS: [(&str, &str); 5] = [
    ("NetworkEvents>Type", "type"),
    ("NetworkEvents>Namespace", "namespace"),
    ("NetworkEvents>Name", "name"),
    ("NetworkEvents>Action", "action"),
    ("NetworkEvents>Direction", "direction"),
];

/// Settings of the stage.
#[derive(Debug, Serialize)]
pub struct Prometheus {
    metrics: Vec<Metric>,
    prefix: &'static str,
}

/// One metric, as the pipeline's configuration has it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metric {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    pub filters: Vec<Filter>,
    pub value_key: String,
    #[serde(serialize_with = "null_if_empty")]
    pub labels: Vec<String>,
    pub remap: Option<BTreeMap<String, String>>,
    pub flatten: Option<Vec<String>>,
    pub buckets: Option<Vec<Number>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_scale: Option<Number>,
}

/// Which flows count.
#[derive(Debug, Clone, Serialize)]
pub struct Filter {
    pub key: String,
    pub value: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// Nothing where no metric is made.
pub fn add(context: &Context, graph: &mut Graph, trunk: &str, metrics: &[Metric]) {
    if metrics.is_empty() {
        return;
    }
    let previous = filter::add_for(context, graph, trunk, FilterTarget::Metrics);
    let prometheus = Prometheus {
        metrics: metrics.to_vec(),
        prefix: METRICS_PREFIX,
    };
    let prometheus = Settings::EncodePrometheus(prometheus);
    graph.add_dynamic_after(&previous, "prometheus", prometheus);
}

/// The metrics that are made.
pub fn predefined(effective: &Effective) -> Vec<Metric> {
    let made = inventory(effective)
        .into_iter()
        .filter(|(_, is_made)| *is_made);
    made.map(|(mut metric, _)| {
        metric.filters.extend(record_type(effective));
        metric
    })
    .collect()
}

/// All metrics with the labels that each has or would have, and whether it is made.
pub fn inventory(effective: &Effective) -> Vec<(Metric, bool)> {
    let names = effective.metrics();
    let mut metrics = definitions();
    for metric in &mut metrics {
        metric.labels.retain(|label| is_known(effective, label));
    }
    metrics
        .into_iter()
        .map(|metric| {
            let is_made = names.contains(&metric.name);
            (metric, is_made)
        })
        .collect()
}

/// Labels of fields that no flow has are left out.
fn is_known(effective: &Effective, label: &str) -> bool {
    let processor = &effective.processor;
    match label {
        "SrcK8S_Zone" | "DstK8S_Zone" => processor.add_zone == Some(true),
        "K8S_ClusterName" => processor.multi_cluster_deployment == Some(true),
        "SrcK8S_NetworkName" | "DstK8S_NetworkName" => {
            effective.has_feature(Feature::UdnMapping) || !effective.secondary_indexes().is_empty()
        }
        "TLSVersion" => effective.has_feature(Feature::TlsTracking),
        _ => true,
    }
}

/// Where connections are tracked, each flow must count once.
fn record_type(effective: &Effective) -> Option<Filter> {
    match effective.processor.log_types? {
        LogTypes::Conversations => Some(filter("_RecordType", "endConnection", "equal")),
        LogTypes::All => Some(filter("_RecordType", "flowLog", "equal")),
        LogTypes::Flows | LogTypes::EndedConversations => None,
    }
}

fn definitions() -> Vec<Metric> {
    let mut metrics = Vec::new();
    for group in GROUPS {
        for value in ["Bytes", "Packets"] {
            for (direction, other) in [("egress", "0"), ("ingress", "1")] {
                let name = format!("{}_total", value.to_lowercase());
                let mut metric = counter(group, &format!("{direction}_{name}"), value);
                metric.filters = vec![filter("FlowDirection", other, "not_equal")];
                metrics.push(metric);
            }
        }
        metrics.push(Metric {
            kind: "gauge",
            ..counter(group, "sampling", "Sampling")
        });
        metrics.push(counter(group, "flows_total", ""));
    }
    metrics.extend(GROUPS.map(|group| latency(group, "rtt_seconds", "TimeFlowRttNs", 1e9)));
    for group in GROUPS {
        for value in ["Packets", "Bytes"] {
            let field = format!("PktDrop{value}");
            let name = format!("drop_{}_total", value.to_lowercase());
            let mut metric = counter(group, &name, &field);
            metric.filters = vec![filter(&field, "", "presence")];
            label(
                &mut metric,
                &["PktDropLatestState", "PktDropLatestDropCause"],
            );
            metrics.push(metric);
        }
    }
    for group in GROUPS {
        let mut metric = latency(group, "dns_latency_seconds", "DnsLatencyMs", 1e3);
        metric.filters = vec![filter("DnsId", "", "presence")];
        label(&mut metric, &["DnsFlagsResponseCode"]);
        metrics.push(metric);
    }
    metrics.extend(GROUPS.map(policy_events));
    for group in GROUPS {
        let mut metric = counter(group, "ipsec_flows_total", "");
        metric.filters = vec![filter("IPSecStatus", "", "presence")];
        label(&mut metric, &["IPSecStatus"]);
        metrics.push(metric);
    }
    let mut between_nodes = counter("node", "to_node_ingress_flows_total", "");
    between_nodes.filters = vec![
        filter("FlowDirection", "2", "not_equal"),
        filter("SrcK8S_HostName", "", "presence"),
        filter("DstK8S_HostName", "", "presence"),
    ];
    metrics.push(between_nodes);
    metrics
}

fn counter(group: &str, name: &str, value: &str) -> Metric {
    let labels: &[&str] = match group {
        "node" => &NODE_LABELS,
        "namespace" => &NAMESPACE_LABELS,
        _ => &WORKLOAD_LABELS,
    };
    Metric {
        name: format!("{group}_{name}"),
        kind: "counter",
        help: Some(format!("{} by {group}", name.replace('_', " "))),
        filters: Vec::new(),
        value_key: value.to_owned(),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        remap: None,
        flatten: None,
        buckets: None,
        value_scale: None,
    }
}

/// `scale`: how many of the field's units are a second.
fn latency(group: &str, name: &str, value: &str, scale: f64) -> Metric {
    Metric {
        kind: "histogram",
        filters: vec![filter(value, "", "presence")],
        buckets: Some(LATENCY_BUCKETS.map(Number).into()),
        value_scale: Some(Number(scale)),
        ..counter(group, name, value)
    }
}

fn policy_events(group: &str) -> Metric {
    let mut metric = counter(group, "network_policy_events_total", "");
    metric.filters = vec![filter("NetworkEvents>Feature", "acl", "equal")];
    metric.flatten = Some(vec!["NetworkEvents".to_owned()]);
    let labels = EVENT_LABELS.map(|(field, _)| field);
    label(&mut metric, &labels);
    metric.remap = Some(texts(EVENT_LABELS));
    metric
}

fn label(metric: &mut Metric, more: &[&str]) {
    metric
        .labels
        .extend(more.iter().map(|label| (*label).to_owned()));
}

fn filter(key: &str, value: &str, kind: &'static str) -> Filter {
    Filter {
        key: key.to_owned(),
        value: value.to_owned(),
        kind,
    }
}
