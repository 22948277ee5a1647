//! The first stage: flows from the agents or from Kafka.

use serde::Serialize;
use serde_with::skip_serializing_none;

use super::connection::{SaslFiles, Tls, sasl, tls};
use super::graph::Graph;
use super::stage::Settings;
use crate::apis::flowcollector::v1beta2::shared::Int;
use crate::desired::Context;
use crate::desired::service_tls::service_tls;
use crate::desired::volumes::{Volumes, some};
use crate::scope::pipeline as scope;

/// Listens for agents.
#[skip_serializing_none]
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Grpc {
    port: u16,
    cert_path: Option<String>,
    key_path: Option<String>,
    #[serde(rename = "clientCAPath")]
    client_ca_path: Option<String>,
}

/// Reads what agents wrote to Kafka. TLS and SASL are written as null where they are off.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Kafka {
    brokers: Vec<String>,
    topic: String,
    groupid: &'static str,
    decoder: Decoder,
    pull_queue_capacity: Option<Int>,
    pull_max_bytes: Option<Int>,
    tls: Option<Tls>,
    sasl: Option<SaslFiles>,
}

#[derive(Debug, Serialize)]
struct Decoder {
    #[serde(rename = "type")]
    kind: &'static str,
}

pub fn add(context: &Context, graph: &mut Graph, volumes: &mut Volumes) {
    if context.effective.uses_kafka() {
        let kafka = Settings::IngestKafka(Box::new(kafka(context, volumes)));
        graph.add("kafka-read", kafka);
    } else {
        graph.add("grpc", Settings::IngestGrpc(grpc(context, volumes)));
    }
}

fn grpc(context: &Context, volumes: &mut Volumes) -> Grpc {
    let port = context.effective.processor_port();
    let Some(tls) = service_tls(context) else {
        return Grpc {
            port,
            ..Grpc::default()
        };
    };
    let server = volumes.add_certificate("svc-certs", tls.server.as_ref());
    let authority = volumes.add_file("netobserv-ca", tls.client_authority.as_ref());
    Grpc {
        port,
        cert_path: some(server.certificate),
        key_path: some(server.key),
        client_ca_path: some(authority),
    }
}

/// Each `host:port` of a list with commas.
fn brokers(address: &str) -> Vec<String> {
    let brokers = address.split(',').map(|broker| broker.trim().to_owned());
    brokers.filter_map(some).collect()
}

fn kafka(context: &Context, volumes: &mut Volumes) -> Kafka {
    let kafka = &context.effective.kafka;
    let processor = &context.effective.processor;
    let certificates = ["kafka-cert-ca", "kafka-cert-user"];
    let accounts = ["kafka-ingest-sasl-id", "kafka-ingest-sasl-secret"];
    Kafka {
        brokers: brokers(&kafka.address),
        topic: kafka.topic.clone(),
        groupid: scope::CONSUMER_GROUP,
        decoder: Decoder { kind: "protobuf" },
        pull_queue_capacity: processor.kafka_consumer_queue_capacity,
        pull_max_bytes: processor.kafka_consumer_batch_size,
        tls: tls(
            kafka.tls.as_ref(),
            certificates[0],
            certificates[1],
            volumes,
        ),
        sasl: sasl(kafka.sasl.as_ref(), accounts[0], accounts[1], volumes),
    }
}
