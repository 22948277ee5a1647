//! Kafka and the exporters: an address that is none.

use super::{Subject, addresses};
use crate::apis::flowcollector::v1beta2::exporters::{Exporter, ExporterType};
use crate::apis::flowcollector::v1beta2::kafka::Kafka;
use crate::apis::flowcollector::v1beta2::shared::Int;
use crate::apis::validation::Findings;

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let effective = &subject.effective;
    if effective.uses_kafka() {
        check_kafka("spec.kafka", &effective.kafka, findings);
    }
    for (at, exporter) in effective.exporters.iter().enumerate() {
        check_exporter(&format!("spec.exporters[{at}]"), exporter, findings);
    }
}

fn check_exporter(path: &str, exporter: &Exporter, findings: &mut Findings) {
    let block = match exporter.kind {
        ExporterType::Kafka => "kafka",
        ExporterType::Ipfix => "ipfix",
        ExporterType::OpenTelemetry => "openTelemetry",
    };
    let path = format!("{path}.{block}");
    match exporter {
        Exporter {
            kind: ExporterType::Kafka,
            kafka: Some(kafka),
            ..
        } => {
            check_kafka(&path, kafka, findings);
            if kafka.address.contains(',') {
                findings.warn(
                    format!("{path}.address"),
                    format!(
                        "{:?} is a list, and an exporter takes one broker",
                        kafka.address
                    ),
                    "name one of them: it tells of the others",
                );
            }
        }
        Exporter {
            kind: ExporterType::Ipfix,
            ipfix: Some(ipfix),
            ..
        } => check_target(&path, &ipfix.target_host, ipfix.target_port, findings),
        Exporter {
            kind: ExporterType::OpenTelemetry,
            open_telemetry: Some(otlp),
            ..
        } => {
            check_target(&path, &otlp.target_host, otlp.target_port, findings);
            addresses::check_authority(&format!("{path}.tls"), otlp.tls.as_ref(), findings);
        }
        _ => findings.refuse(
            path,
            format!("is missing, and the exporter's type is {}", exporter.kind),
            "say where flows are sent, or remove the exporter",
        ),
    }
}

fn check_kafka(path: &str, kafka: &Kafka, findings: &mut Findings) {
    for (name, text, advice) in [
        (
            "address",
            &kafka.address,
            "name the bootstrap broker, such as kafka.example.svc:9092",
        ),
        ("topic", &kafka.topic, "name the topic, which must exist"),
    ] {
        if text.trim().is_empty() {
            findings.refuse(
                format!("{path}.{name}"),
                "is empty, so no flow could be sent",
                advice,
            );
        }
    }
    addresses::check_authority(&format!("{path}.tls"), kafka.tls.as_ref(), findings);
}

fn check_target(path: &str, host: &str, port: Int, findings: &mut Findings) {
    if host.trim().is_empty() {
        findings.refuse(
            format!("{path}.targetHost"),
            "is empty, so no flow could be sent",
            "name the host of the collector",
        );
    }
    if !(1..=65535).contains(&port) {
        findings.refuse(
            format!("{path}.targetPort"),
            format!("{port} is no port from 1 to 65535"),
            "write the port of the collector",
        );
    }
}
