//! Further receivers of the flows, numbered by their place in the specification.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_with::skip_serializing_none;

use super::connection::{SaslFiles, Tls, sasl, tls};
use super::graph::Graph;
use super::metrics::Metric;
use super::stage::Settings;
use super::{filter, otlp_names};
use crate::apis::duration::GoDuration;
use crate::apis::flowcollector::v1beta2::exporters::{
    ExporterType, FieldMapping, IpfixExporter, IpfixTransport, OpenTelemetryExporter, OtlpProtocol,
};
use crate::apis::flowcollector::v1beta2::kafka::{self, KafkaCompression};
use crate::apis::flowcollector::v1beta2::processor::FilterTarget;
use crate::apis::flowcollector::v1beta2::shared::Int;
use crate::desired::Context;
use crate::desired::volumes::Volumes;
use crate::scope::METRICS_PREFIX;

/// How long a metric that no longer changes is sent.
const METRICS_EXPIRY: &str = "2m0s";
/// The template is sent once per connection.
const TEMPLATE_INTERVAL: &str = "0s";

/// Sends flows to Kafka. TLS and SASL are written as null where they are off.
#[derive(Debug, Serialize)]
pub struct Kafka {
    address: String,
    topic: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    compression: Option<KafkaCompression>,
    tls: Option<Tls>,
    sasl: Option<SaslFiles>,
}

/// Sends flows to a collector.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ipfix {
    target_host: String,
    target_port: Int,
    transport: &'static str,
    enterprise_id: Int,
    tpl_send_interval: &'static str,
}

/// Renames fields.
#[derive(Debug, Serialize)]
pub struct Generic {
    policy: &'static str,
    rules: Vec<FieldMapping>,
}

/// Where an OpenTelemetry receiver is; all that logs need.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OtlpConnection {
    address: String,
    port: Int,
    connection_type: OtlpProtocol,
    tls: Option<Tls>,
    headers: Option<BTreeMap<String, String>>,
}

/// Sends metrics to an OpenTelemetry receiver.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OtlpMetrics {
    #[serde(flatten)]
    connection: OtlpConnection,
    prefix: &'static str,
    metrics: Vec<Metric>,
    push_time_interval: Option<GoDuration>,
    expiry_time: &'static str,
}

pub fn add(
    context: &Context,
    graph: &mut Graph,
    trunk: &str,
    metrics: &[Metric],
    volumes: &mut Volumes,
) {
    let exporters = &context.effective.exporters;
    if exporters.is_empty() {
        return;
    }
    let previous = filter::add_for(context, graph, trunk, FilterTarget::Exporters);
    for (index, exporter) in exporters.iter().enumerate() {
        match exporter.kind {
            ExporterType::Kafka => {
                let given = exporter.kafka.clone().unwrap_or_default();
                let name = format!("kafka-export-{index}");
                let settings = Settings::EncodeKafka(Box::new(kafka(given, &name, volumes)));
                graph.add_after(&previous, &name, settings);
            }
            ExporterType::Ipfix => {
                let given = exporter.ipfix.clone().unwrap_or_default();
                let name = format!("ipfix-export-{index}");
                graph.add_after(&previous, &name, Settings::WriteIpfix(ipfix(given)));
            }
            ExporterType::OpenTelemetry => {
                let given = exporter.open_telemetry.clone().unwrap_or_default();
                let name = format!("otel-export-{index}");
                open_telemetry(&given, &name, graph, &previous, metrics, volumes);
            }
        }
    }
}

fn kafka(given: kafka::Kafka, name: &str, volumes: &mut Volumes) -> Kafka {
    let volume = |part: &str| format!("{name}-{part}");
    let tls = tls(given.tls.as_ref(), &volume("ca"), &volume("user"), volumes);
    let (id, secret) = (volume("sasl-id"), volume("sasl-secret"));
    let sasl = sasl(given.sasl.as_ref(), &id, &secret, volumes);
    Kafka {
        address: given.address,
        topic: given.topic,
        compression: given.compression,
        tls,
        sasl,
    }
}

fn ipfix(given: IpfixExporter) -> Ipfix {
    Ipfix {
        target_host: given.target_host,
        target_port: given.target_port,
        transport: match given.transport {
            Some(IpfixTransport::Udp) => "udp",
            Some(IpfixTransport::Tcp) | None => "tcp",
        },
        enterprise_id: given.enterprise_id,
        tpl_send_interval: TEMPLATE_INTERVAL,
    }
}

fn open_telemetry(
    given: &OpenTelemetryExporter,
    name: &str,
    graph: &mut Graph,
    previous: &str,
    metrics: &[Metric],
    volumes: &mut Volumes,
) {
    let is_on = |enable: Option<bool>| enable.unwrap_or(true);
    let has_logs = is_on(given.logs.as_ref().and_then(|logs| logs.enable));
    let has_metrics = is_on(given.metrics.as_ref().and_then(|metrics| metrics.enable));
    if !has_logs && !has_metrics {
        return;
    }
    let transform = format!("{name}-transform");
    let renaming = Generic {
        policy: "replace_keys",
        rules: given
            .fields_mapping
            .clone()
            .unwrap_or_else(otlp_names::rules),
    };
    graph.add_after(previous, &transform, Settings::TransformGeneric(renaming));
    let connection = connection(given, name, volumes);
    if has_logs {
        let logs = Settings::EncodeOtlpLogs(Box::new(connection.clone()));
        graph.add_after(&transform, &format!("{name}-logs"), logs);
    }
    if has_metrics {
        let given = given.metrics.clone().unwrap_or_default();
        let metrics = Settings::EncodeOtlpMetrics(Box::new(OtlpMetrics {
            connection,
            prefix: METRICS_PREFIX,
            metrics: otlp_names::renamed(metrics),
            push_time_interval: given.push_time_interval,
            expiry_time: METRICS_EXPIRY,
        }));
        graph.add_after(&transform, &format!("{name}-metrics"), metrics);
    }
}

fn connection(given: &OpenTelemetryExporter, name: &str, volumes: &mut Volumes) -> OtlpConnection {
    let (authority, user) = (format!("{name}-ca"), format!("{name}-user"));
    OtlpConnection {
        address: given.target_host.clone(),
        port: given.target_port,
        connection_type: given.protocol.unwrap_or(OtlpProtocol::Grpc),
        tls: tls(given.tls.as_ref(), &authority, &user, volumes),
        headers: given.headers.clone().filter(|headers| !headers.is_empty()),
    }
}
