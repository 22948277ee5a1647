//! Further receivers of the flows, numbered by their place in the specification.

use serde_json::{Value, json};

use super::connection::{sasl, tls};
use super::graph::Graph;
use super::metrics::Metric;
use super::{PREFIX, filter, otlp_names};
use crate::apis::flowcollector::v1beta2::exporters::{
    ExporterType, IpfixExporter, IpfixTransport, OpenTelemetryExporter, OtlpProtocol,
};
use crate::apis::flowcollector::v1beta2::kafka::Kafka;
use crate::apis::flowcollector::v1beta2::processor::FilterTarget;
use crate::desired::Context;
use crate::desired::volumes::Volumes;

/// How long a metric that no longer changes is sent.
const METRICS_EXPIRY: &str = "2m0s";

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
                let parameters = kafka(&given, &name, volumes);
                graph.add_after(&previous, &name, "encode", "kafka", parameters);
            }
            ExporterType::Ipfix => {
                let given = exporter.ipfix.clone().unwrap_or_default();
                let name = format!("ipfix-export-{index}");
                graph.add_after(&previous, &name, "write", "ipfix", ipfix(&given));
            }
            ExporterType::OpenTelemetry => {
                let given = exporter.open_telemetry.clone().unwrap_or_default();
                let name = format!("otel-export-{index}");
                open_telemetry(&given, &name, graph, &previous, metrics, volumes);
            }
        }
    }
}

fn kafka(given: &Kafka, name: &str, volumes: &mut Volumes) -> Value {
    let volume = |part: &str| format!("{name}-{part}");
    let tls = tls(given.tls.as_ref(), &volume("ca"), &volume("user"), volumes);
    let (id, secret) = (volume("sasl-id"), volume("sasl-secret"));
    let sasl = sasl(given.sasl.as_ref(), &id, &secret, volumes);
    let mut parameters = json!({
        "address": given.address,
        "topic": given.topic,
        "tls": tls,
        "sasl": sasl,
    });
    if let Some(compression) = given.compression {
        parameters["compression"] = compression.as_str().into();
    }
    parameters
}

fn ipfix(given: &IpfixExporter) -> Value {
    let transport = match given.transport {
        Some(IpfixTransport::Udp) => "udp",
        Some(IpfixTransport::Tcp) | None => "tcp",
    };
    json!({
        "targetHost": given.target_host,
        "targetPort": given.target_port,
        "transport": transport,
        "enterpriseId": given.enterprise_id,
        // The template is sent once per connection.
        "tplSendInterval": "0s",
    })
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
    let rules = match &given.fields_mapping {
        Some(mapping) => json!(mapping),
        None => otlp_names::rules(),
    };
    let parameters = json!({"policy": "replace_keys", "rules": rules});
    graph.add_after(previous, &transform, "transform", "generic", parameters);
    let connection = connection(given, name, volumes);
    if has_logs {
        let name = format!("{name}-logs");
        graph.add_after(&transform, &name, "encode", "otlplogs", connection.clone());
    }
    if has_metrics {
        let name = format!("{name}-metrics");
        let interval = given
            .metrics
            .as_ref()
            .and_then(|metrics| metrics.push_time_interval.clone());
        let mut parameters = connection;
        parameters["prefix"] = PREFIX.into();
        parameters["metrics"] = json!(otlp_names::renamed(metrics));
        parameters["pushTimeInterval"] = json!(interval);
        parameters["expiryTime"] = METRICS_EXPIRY.into();
        graph.add_after(&transform, &name, "encode", "otlpmetrics", parameters);
    }
}

fn connection(given: &OpenTelemetryExporter, name: &str, volumes: &mut Volumes) -> Value {
    let mut connection = json!({
        "address": given.target_host,
        "port": given.target_port,
        "connectionType": given.protocol.unwrap_or(OtlpProtocol::Grpc),
    });
    let (authority, user) = (format!("{name}-ca"), format!("{name}-user"));
    if let Some(tls) = tls(given.tls.as_ref(), &authority, &user, volumes) {
        connection["tls"] = json!(tls);
    }
    if let Some(headers) = given.headers.as_ref().filter(|headers| !headers.is_empty()) {
        connection["headers"] = json!(headers);
    }
    connection
}
