//! The first stage: flows from the agents or from Kafka.

use serde_json::json;

use super::connection::{sasl, some, tls};
use super::graph::Graph;
use crate::desired::Context;
use crate::desired::service_tls::service_tls;
use crate::desired::volumes::Volumes;
use crate::scope::pipeline as scope;

pub fn add(context: &Context, graph: &mut Graph, volumes: &mut Volumes) {
    if context.effective.uses_kafka() {
        kafka(context, graph, volumes);
    } else {
        grpc(context, graph, volumes);
    }
}

fn grpc(context: &Context, graph: &mut Graph, volumes: &mut Volumes) {
    let mut parameters = json!({"port": context.effective.processor_port()});
    if let Some(tls) = service_tls(context) {
        let server = volumes.add_certificate("svc-certs", tls.server.as_ref());
        let authority = volumes.add_file("netobserv-ca", tls.client_authority.as_ref());
        for (key, path) in [
            ("certPath", server.certificate),
            ("keyPath", server.key),
            ("clientCAPath", authority),
        ] {
            if let Some(path) = some(path) {
                parameters[key] = path.into();
            }
        }
    }
    graph.add("grpc", "ingest", "grpc", parameters);
}

fn kafka(context: &Context, graph: &mut Graph, volumes: &mut Volumes) {
    let kafka = &context.effective.kafka;
    let processor = &context.effective.processor;
    let certificates = ["kafka-cert-ca", "kafka-cert-user"];
    let accounts = ["kafka-ingest-sasl-id", "kafka-ingest-sasl-secret"];
    let tls = tls(
        kafka.tls.as_ref(),
        certificates[0],
        certificates[1],
        volumes,
    );
    let sasl = sasl(kafka.sasl.as_ref(), accounts[0], accounts[1], volumes);
    let parameters = json!({
        "brokers": [kafka.address],
        "topic": kafka.topic,
        "groupid": scope::CONSUMER_GROUP,
        "decoder": {"type": "protobuf"},
        "pullQueueCapacity": processor.kafka_consumer_queue_capacity,
        "pullMaxBytes": processor.kafka_consumer_batch_size,
        "tls": tls,
        "sasl": sasl,
    });
    graph.add("kafka-read", "ingest", "kafka", parameters);
}
