//! Kafka and the exporters.

use serde_json::json;

use super::{check, facts};

#[test]
fn kafka_is_somewhere_where_flows_go_through_it() {
    let (address, topic) = ("spec.kafka.address", "spec.kafka.topic");
    let authority = vec![("spec.kafka.tls.caCert.name", "is empty")];
    let tls = json!({ "enable": true, "caCert": {} });
    for (model, kafka, warnings, errors) in [
        (
            "Kafka",
            json!(null),
            vec![],
            vec![(address, "is empty"), (topic, "is empty")],
        ),
        (
            "Kafka",
            json!({ "address": "k:9092", "topic": " " }),
            vec![],
            vec![(topic, "is empty")],
        ),
        (
            "Kafka",
            json!({ "address": "a:1,b:1", "topic": "t" }),
            vec![],
            vec![],
        ),
        (
            "Kafka",
            json!({ "address": "k:9093", "topic": "t", "tls": tls }),
            authority,
            vec![],
        ),
        (
            "Service",
            json!({ "address": "", "topic": "" }),
            vec![],
            vec![],
        ),
    ] {
        let spec = json!({ "deploymentModel": model, "kafka": kafka });
        check(&spec, &facts(), &warnings, &errors);
    }
}

#[test]
fn exporters_send_somewhere() {
    let authority = vec![(
        "spec.exporters[0].openTelemetry.tls.caCert.name",
        "is empty",
    )];
    let tls = json!({ "enable": true, "caCert": {} });
    for (exporter, warnings, errors) in [
        (
            json!({ "type": "Kafka", "kafka": { "address": "a:1", "topic": "t" } }),
            vec![],
            vec![],
        ),
        (
            json!({ "type": "Kafka", "kafka": { "address": "a:1,b:1", "topic": "t" } }),
            vec![("spec.exporters[0].kafka.address", "one broker")],
            vec![],
        ),
        (
            json!({ "type": "Kafka", "kafka": { "address": "", "topic": "" } }),
            vec![],
            vec![
                ("spec.exporters[0].kafka.address", "is empty"),
                ("spec.exporters[0].kafka.topic", "is empty"),
            ],
        ),
        (
            json!({ "type": "Kafka", "ipfix": { "targetHost": "a", "targetPort": 1, "enterpriseID": 2 } }),
            vec![],
            vec![("spec.exporters[0].kafka", "is missing")],
        ),
        (
            json!({ "type": "IPFIX" }),
            vec![],
            vec![("spec.exporters[0].ipfix", "is missing")],
        ),
        (
            json!({ "type": "IPFIX", "ipfix": { "targetHost": "", "targetPort": 70000, "enterpriseID": 2 } }),
            vec![],
            vec![
                ("spec.exporters[0].ipfix.targetHost", "is empty"),
                ("spec.exporters[0].ipfix.targetPort", "70000"),
            ],
        ),
        (
            json!({ "type": "OpenTelemetry" }),
            vec![],
            vec![("spec.exporters[0].openTelemetry", "is missing")],
        ),
        (
            json!({ "type": "OpenTelemetry", "openTelemetry": { "targetHost": "o", "targetPort": 0 } }),
            vec![],
            vec![("spec.exporters[0].openTelemetry.targetPort", "0 is no port")],
        ),
        (
            json!({ "type": "OpenTelemetry", "openTelemetry": { "targetHost": "o", "targetPort": 4317, "tls": tls } }),
            authority,
            vec![],
        ),
    ] {
        let spec = json!({ "exporters": [exporter] });
        check(&spec, &facts(), &warnings, &errors);
    }
}
