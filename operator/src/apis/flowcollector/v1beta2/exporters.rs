//! `spec.exporters`: further receivers of flows.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::kafka::Kafka;
use super::shared::{ClientTls, Int};
use crate::apis::duration::GoDuration;
use crate::apis::text_enum::text_enum;

text_enum! {
    /// Protocol of an exporter.
    pub enum ExporterType {
        Kafka = "Kafka",
        Ipfix = "IPFIX",
        OpenTelemetry = "OpenTelemetry",
    }
}

text_enum! {
    /// Transport of IPFIX.
    pub enum IpfixTransport {
        Tcp = "TCP",
        Udp = "UDP",
    }
}

text_enum! {
    /// Transport of OTLP.
    pub enum OtlpProtocol {
        Http = "http",
        Grpc = "grpc",
    }
}

/// A further receiver of all enriched flows.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Exporter {
    /// Which block below applies: `Kafka`, `IPFIX` or `OpenTelemetry`.
    #[serde(rename = "type")]
    pub kind: ExporterType,
    /// Sends to a Kafka topic, one JSON object a flow.
    pub kafka: Option<Kafka>,
    /// Sends to an IPFIX collector.
    pub ipfix: Option<IpfixExporter>,
    /// Sends to an OpenTelemetry receiver.
    pub open_telemetry: Option<OpenTelemetryExporter>,
}

/// An IPFIX collector.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IpfixExporter {
    /// Host name or address of the collector.
    #[schemars(extend("default" = ""))]
    pub target_host: String,
    /// Port of the collector. Default: 4739.
    #[schemars(extend("default" = 4739))]
    pub target_port: Int,
    /// `TCP` or `UDP`. Absent: TCP.
    pub transport: Option<IpfixTransport>,
    /// Private enterprise number of the fields about Kubernetes. Default: 2.
    #[serde(rename = "enterpriseID")]
    #[schemars(extend("default" = 2))]
    pub enterprise_id: Int,
}

/// An OpenTelemetry receiver.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenTelemetryExporter {
    /// Host name or address of the receiver.
    #[schemars(extend("default" = ""))]
    pub target_host: String,
    /// Port of the receiver. Default: 4317.
    #[schemars(extend("default" = 4317))]
    pub target_port: Int,
    /// `grpc` or `http`. Absent: grpc.
    pub protocol: Option<OtlpProtocol>,
    /// Other names for fields. Absent: a built-in list; an empty list renames nothing.
    pub fields_mapping: Option<Vec<FieldMapping>>,
    /// TLS to the receiver. Absent: plain text.
    pub tls: Option<ClientTls>,
    /// Headers of each request.
    pub headers: Option<BTreeMap<String, String>>,
    /// Flows as logs.
    pub logs: Option<OtlpLogs>,
    /// Metrics made of flows.
    pub metrics: Option<OtlpMetrics>,
}

/// Another name for a field.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldMapping {
    /// Name of the field in a flow.
    pub input: Option<String>,
    /// Name it is sent under.
    pub output: Option<String>,
    /// Factor the value is multiplied by. Absent: none.
    pub multiplier: Option<Int>,
}

/// Flows as logs.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OtlpLogs {
    /// Sends flows as logs. Default: true.
    #[schemars(extend("default" = true))]
    pub enable: Option<bool>,
}

/// Metrics made of flows.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OtlpMetrics {
    /// Sends metrics. Default: true.
    #[schemars(extend("default" = true))]
    pub enable: Option<bool>,
    /// Time between two sends. Default: 20s.
    #[schemars(extend("default" = "20s"))]
    pub push_time_interval: Option<GoDuration>,
}
