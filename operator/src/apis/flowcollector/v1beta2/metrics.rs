//! `spec.processor.metrics`: metrics made of flows, and health rules.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::shared::MetricsServer;
use crate::apis::duration::GoDuration;
use crate::apis::flowcollector::predefined;
use crate::apis::text_enum::text_enum;

/// Schema of the name of a predefined metric. NetObserv's lacks those of the sampling, which it makes and converts to.
struct MetricName;

impl JsonSchema for MetricName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "MetricName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": predefined::names() })
    }
}

text_enum! {
    /// What a health rule produces.
    pub enum HealthMode {
        Alert = "Alert",
        Recording = "Recording",
    }
}

text_enum! {
    /// What a health rule watches.
    pub enum HealthTemplate {
        PacketDropsByKernel = "PacketDropsByKernel",
        PacketDropsByDevice = "PacketDropsByDevice",
        IpsecErrors = "IPsecErrors",
        NetpolDenied = "NetpolDenied",
        LatencyHighTrend = "LatencyHighTrend",
        DnsErrors = "DNSErrors",
        DnsNxDomain = "DNSNxDomain",
        ExternalEgressHighTrend = "ExternalEgressHighTrend",
        ExternalIngressHighTrend = "ExternalIngressHighTrend",
        Ingress5xxErrors = "Ingress5xxErrors",
        IngressHttpLatencyTrend = "IngressHTTPLatencyTrend",
    }
}

text_enum! {
    /// How a health rule splits traffic; the empty one takes the cluster as a whole.
    #[derive(Default)]
    pub enum HealthGroupBy {
        #[default]
        Cluster = "",
        Node = "Node",
        Namespace = "Namespace",
        Workload = "Workload",
    }
}

/// Metrics made of flows, and the health rules on them.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowMetrics {
    /// Endpoint that Prometheus scrapes.
    pub server: Option<MetricsServer>,
    /// Exactly these metrics are made; an empty list makes none. Absent: a default set. Each metric costs storage in Prometheus, `workload_…` most.
    #[schemars(with = "Option<Vec<MetricName>>")]
    pub include_list: Option<Vec<String>>,
    /// Metrics added to the default set; ignored if `includeList` is there.
    #[schemars(with = "Option<Vec<MetricName>>")]
    pub additional_include_list: Option<Vec<String>>,
    /// Alerts and health rules to leave out: names of templates, `NetObservNoFlows` or `NetObservLokiError`.
    pub disable_alerts: Option<Vec<String>>,
    /// Health rules in place of the built-in ones of the same template, or beside them.
    pub health_rules: Option<Vec<HealthRule>>,
}

/// A health rule.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthRule {
    /// What it watches. Some templates need a feature of the agents: drops `PacketDrop`, DNS `DNSTracking`, latency `FlowRTT`, `NetpolDenied` `NetworkEvents`, `IPsecErrors` `IPSec`.
    pub template: HealthTemplate,
    /// `Alert` (default) raises alerts, `Recording` only records the value for the console.
    #[schemars(extend("default" = "Alert"))]
    pub mode: Option<HealthMode>,
    /// Sets of parameters; each makes its own rules.
    pub variants: Vec<HealthVariant>,
}

/// One set of parameters of a health rule.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthVariant {
    /// Split by `Node`, `Namespace` or `Workload`. Empty or absent: the cluster as a whole.
    pub group_by: Option<HealthGroupBy>,
    /// Limits, in percent; at least one.
    pub thresholds: HealthThresholds,
    /// Traffic below this rate, per second, is too little to judge. Absent: none is.
    pub low_volume_threshold: Option<String>,
    /// How far back the comparison of a trend begins. Absent: 24h.
    pub trend_offset: Option<GoDuration>,
    /// How long a stretch a trend is compared with. Absent: 2h.
    pub trend_duration: Option<GoDuration>,
    /// Overrides the rule's `mode`. Absent: that mode.
    pub mode: Option<HealthMode>,
}

/// Limits of a health rule, in percent, lowest to highest.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthThresholds {
    /// Percentage from which the severity is `info`. Absent: never.
    pub info: Option<String>,
    /// Percentage from which the severity is `warning`. Absent: never.
    pub warning: Option<String>,
    /// Percentage from which the severity is `critical`. Absent: never.
    pub critical: Option<String>,
}
