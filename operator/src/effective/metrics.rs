//! Which predefined metrics are made, and which health rules are in force.

use serde_json::json;

use super::Effective;
use crate::apis::flowcollector::v1beta2::agent::Feature;
use crate::apis::flowcollector::v1beta2::metrics::{HealthRule, HealthTemplate};

/// Default metrics where flows are kept: what is finer is asked of the flows.
const WITH_LOKI: [&str; 15] = [
    "node_ingress_bytes_total",
    "node_egress_bytes_total",
    "node_ingress_packets_total",
    "node_drop_packets_total",
    "workload_sampling",
    "workload_ingress_bytes_total",
    "workload_egress_bytes_total",
    "namespace_flows_total",
    "namespace_ingress_packets_total",
    "namespace_drop_packets_total",
    "namespace_rtt_seconds",
    "namespace_dns_latency_seconds",
    "namespace_network_policy_events_total",
    "node_ipsec_flows_total",
    "node_to_node_ingress_flows_total",
];

/// Default metrics where flows are not kept.
const WITHOUT_LOKI: [&str; 17] = [
    "node_ingress_bytes_total",
    "node_egress_bytes_total",
    "node_ingress_packets_total",
    "node_drop_packets_total",
    "workload_ingress_bytes_total",
    "workload_egress_bytes_total",
    "workload_sampling",
    "workload_ingress_packets_total",
    "workload_egress_packets_total",
    "workload_flows_total",
    "workload_drop_bytes_total",
    "workload_drop_packets_total",
    "workload_rtt_seconds",
    "workload_dns_latency_seconds",
    "namespace_network_policy_events_total",
    "node_ipsec_flows_total",
    "node_to_node_ingress_flows_total",
];

impl Effective {
    /// Names of the predefined metrics that are made.
    pub fn metrics(&self) -> Vec<String> {
        let section = self.processor.metrics.as_ref();
        let mut names = section
            .and_then(|m| m.include_list.clone())
            .unwrap_or_else(|| self.default_metrics());
        let has_events = self.has_feature(Feature::NetworkEvents);
        for (part, is_made) in [
            ("_drop_", self.has_packet_drop() || has_events),
            ("_rtt_", self.has_feature(Feature::FlowRtt)),
            ("_dns_", self.has_feature(Feature::DnsTracking)),
            ("_network_policy_", has_events),
            ("_sampling", self.has_filters_sampling()),
            ("_ipsec_", self.has_feature(Feature::IpSec)),
        ] {
            names.retain(|name| is_made || !name.contains(part));
        }
        names
    }

    /// The metrics there are without `includeList`.
    fn default_metrics(&self) -> Vec<String> {
        let base: &[&str] = if self.uses_loki() {
            &WITH_LOKI
        } else {
            &WITHOUT_LOKI
        };
        let mut names: Vec<_> = base.iter().map(|name| (*name).to_owned()).collect();
        let section = self.processor.metrics.as_ref();
        let more = section.and_then(|m| m.additional_include_list.as_ref());
        for name in more.into_iter().flatten() {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }

    /// Health rules in force, in the order they are written.
    pub fn health_rules(&self) -> Vec<HealthRule> {
        let section = self.processor.metrics.as_ref();
        let given = section
            .and_then(|m| m.health_rules.clone())
            .unwrap_or_default();
        let disabled = section
            .and_then(|m| m.disable_alerts.clone())
            .unwrap_or_default();
        let mut rules = built_in_rules();
        for rule in given {
            match rules
                .iter_mut()
                .find(|other| other.template == rule.template)
            {
                Some(other) => *other = rule,
                None => rules.push(rule),
            }
        }
        rules.retain(|rule| {
            !disabled.iter().any(|name| name == rule.template.as_str())
                && self.missing_feature(rule.template).is_none()
        });
        rules
    }

    /// The feature a health rule needs and the agents lack.
    pub fn missing_feature(&self, template: HealthTemplate) -> Option<Feature> {
        let (feature, is_on) = match template {
            HealthTemplate::PacketDropsByKernel => (Feature::PacketDrop, self.has_packet_drop()),
            HealthTemplate::IpsecErrors => (Feature::IpSec, self.has_feature(Feature::IpSec)),
            HealthTemplate::DnsErrors | HealthTemplate::DnsNxDomain => {
                (Feature::DnsTracking, self.has_feature(Feature::DnsTracking))
            }
            HealthTemplate::LatencyHighTrend => {
                (Feature::FlowRtt, self.has_feature(Feature::FlowRtt))
            }
            HealthTemplate::NetpolDenied => (
                Feature::NetworkEvents,
                self.has_feature(Feature::NetworkEvents),
            ),
            HealthTemplate::PacketDropsByDevice
            | HealthTemplate::ExternalEgressHighTrend
            | HealthTemplate::ExternalIngressHighTrend
            | HealthTemplate::Ingress5xxErrors
            | HealthTemplate::IngressHttpLatencyTrend => return None,
        };
        (!is_on).then_some(feature)
    }
}

/// The rules there are unless told otherwise.
///
/// # Panics
/// If one of them is no health rule, which a test rules out.
fn built_in_rules() -> Vec<HealthRule> {
    let external = json!([
        { "groupBy": "Node", "thresholds": { "warning": "200" }, "trendOffset": "24h", "trendDuration": "1h" },
        { "groupBy": "Namespace", "thresholds": { "info": "100", "warning": "500" }, "trendOffset": "24h", "trendDuration": "1h" },
    ]);
    let rules = json!([
        { "template": "PacketDropsByKernel", "mode": "Recording", "variants": [
            { "groupBy": "Namespace", "thresholds": { "info": "10", "warning": "20" }, "lowVolumeThreshold": "5" },
            { "groupBy": "Node", "thresholds": { "info": "5", "warning": "15" } },
        ] },
        { "template": "PacketDropsByDevice", "mode": "Alert", "variants": [
            { "groupBy": "Node", "thresholds": { "info": "5", "warning": "10" } },
        ] },
        { "template": "IPsecErrors", "mode": "Alert", "variants": [
            { "thresholds": { "warning": "2" } },
            { "groupBy": "Node", "thresholds": { "warning": "2" } },
        ] },
        { "template": "DNSErrors", "mode": "Alert", "variants": [
            { "thresholds": { "warning": "5" } },
            { "groupBy": "Namespace", "thresholds": { "info": "5", "warning": "10" } },
        ] },
        { "template": "DNSNxDomain", "mode": "Recording", "variants": [
            { "groupBy": "Namespace", "thresholds": { "info": "10", "warning": "80" } },
        ] },
        { "template": "NetpolDenied", "mode": "Recording", "variants": [
            { "groupBy": "Namespace", "thresholds": { "info": "5", "warning": "10" } },
        ] },
        { "template": "LatencyHighTrend", "mode": "Recording", "variants": [
            { "groupBy": "Namespace", "thresholds": { "info": "100" }, "trendOffset": "24h", "trendDuration": "1h" },
        ] },
        { "template": "ExternalEgressHighTrend", "mode": "Recording", "variants": external },
        { "template": "ExternalIngressHighTrend", "mode": "Recording", "variants": external },
        { "template": "Ingress5xxErrors", "mode": "Recording", "variants": [
            { "groupBy": "Namespace", "thresholds": { "info": "5", "warning": "10" } },
        ] },
        { "template": "IngressHTTPLatencyTrend", "mode": "Recording", "variants": [
            { "groupBy": "Namespace", "thresholds": { "info": "100", "warning": "200" }, "trendOffset": "24h", "trendDuration": "1h" },
        ] },
    ]);
    serde_json::from_value(rules).expect("the built-in rules are health rules")
}
