//! What a reader is told of a health rule.

use super::annotation::annotation;
use super::promql::go_duration;
use super::{Side, Subject};
use crate::apis::flowcollector::v1beta2::metrics::{HealthGroupBy, HealthTemplate};
use crate::desired::build::{Labels, texts};
use crate::effective::trend_offset;
use crate::scope::{annotation as keys, runbook};

/// Annotations of an alert with its threshold, or of a recorded series.
pub fn annotations(subject: &Subject, threshold: Option<&str>) -> Labels {
    let (summary, what) = about(subject.template);
    let mut description = what.to_owned();
    if let Some(threshold) = threshold {
        description = format!("{description} It is above {threshold}%");
        if subject.is_trend() {
            let offset = go_duration(trend_offset(subject.variant));
            description = format!("{description} of what it was {offset} ago");
        }
        description.push('.');
    }
    let legend = legend(subject);
    if !legend.is_empty() {
        description = format!("{description} {legend}");
    }
    // Texts and text lists always serialize.
    let health = serde_json::to_string(&annotation(subject, threshold)).unwrap_or_default();
    texts([
        ("summary", summary),
        ("description", &description),
        (keys::RUNBOOK, &runbook(subject.template.as_str())),
        (keys::HEALTH, &health),
    ])
}

fn about(template: HealthTemplate) -> (&'static str, &'static str) {
    match template {
        HealthTemplate::PacketDropsByKernel => (
            "Many packets are dropped by the kernel",
            "Share of packets that the kernel drops, of all packets.",
        ),
        HealthTemplate::PacketDropsByDevice => (
            "Many packets are dropped by network devices",
            "Share of packets that the nodes' network devices drop, of all packets.",
        ),
        HealthTemplate::IpsecErrors => (
            "Flows fail to be encrypted",
            "Share of flows between nodes on which IPsec reports an error.",
        ),
        HealthTemplate::NetpolDenied => (
            "Network policies deny much traffic",
            "Share of flows that network policies deny.",
        ),
        HealthTemplate::LatencyHighTrend => (
            "TCP latency rises",
            "Rise of the TCP round-trip time, 90th percentile.",
        ),
        HealthTemplate::DnsErrors => (
            "Many DNS queries fail",
            "Share of DNS answers with an error other than NXDOMAIN.",
        ),
        HealthTemplate::DnsNxDomain => (
            "Many DNS queries are for names that do not exist",
            "Share of DNS answers with NXDOMAIN.",
        ),
        HealthTemplate::ExternalEgressHighTrend => (
            "Traffic that leaves the cluster rises",
            "Rise of the traffic to addresses outside of the cluster.",
        ),
        HealthTemplate::ExternalIngressHighTrend => (
            "Traffic that enters the cluster rises",
            "Rise of the traffic from addresses outside of the cluster.",
        ),
        HealthTemplate::Ingress5xxErrors => (
            "Many requests through the ingress fail",
            "Share of HTTP answers through the cluster's ingress with a code of 500 or above.",
        ),
        HealthTemplate::IngressHttpLatencyTrend => (
            "Requests through the ingress get slower",
            "Rise of the mean time of HTTP answers through the cluster's ingress.",
        ),
    }
}

/// Which group a value is of, filled in by Prometheus.
fn legend(subject: &Subject) -> String {
    let side = match subject.side {
        Some(Side::Src) => "source ",
        Some(Side::Dst) => "dest. ",
        None => "",
    };
    let is_ingress = matches!(
        subject.template,
        HealthTemplate::Ingress5xxErrors | HealthTemplate::IngressHttpLatencyTrend
    );
    match subject.group_by {
        HealthGroupBy::Cluster => String::new(),
        HealthGroupBy::Node if subject.template == HealthTemplate::PacketDropsByDevice => {
            "[node={{ $labels.instance }}]".to_owned()
        }
        HealthGroupBy::Node => format!("[{side}node={{{{ $labels.node }}}}]"),
        HealthGroupBy::Namespace if is_ingress => "[namespace={{ $labels.namespace }}]".to_owned(),
        HealthGroupBy::Namespace => format!("[{side}namespace={{{{ $labels.namespace }}}}]"),
        HealthGroupBy::Workload => {
            format!("[{side}workload={{{{ $labels.workload }}}} ({{{{ $labels.kind }}}})]")
        }
    }
}
