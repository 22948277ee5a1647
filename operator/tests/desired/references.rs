//! Which Secrets and ConfigMaps a specification refers to, and what follows from what they hold.

use std::collections::BTreeMap;

use crate::support::{
    Beside, NAMESPACE, PRIVILEGED, ask, desired_with, find, kubernetes, messages, openshift,
};
use netobserv_operator::cluster::Facts;
use netobserv_operator::desired::Desired;
use netobserv_operator::desired::references::{self, Content, Known, State};
use netobserv_operator::object::Key;
use serde_json::{Value, json};

/// `component path: source keys -> target digest` of each reference.
fn listed(spec: &Value, facts: &Facts) -> Vec<String> {
    ask(spec, facts, &Beside::default(), |inputs| {
        references::all(inputs)
            .iter()
            // Parts of rings are the subject of desired_certificates.rs.
            .filter(|reference| reference.ring.is_none())
            .map(|reference| {
                format!(
                    "{:?} {}: {} {} -> {} {}",
                    reference.component,
                    reference.path,
                    reference.source,
                    reference.keys.join(","),
                    reference.target,
                    reference.digest.as_deref().unwrap_or("-"),
                )
            })
            .collect()
    })
}

fn tls(prefix: &str, namespace: &str) -> Value {
    json!({
        "enable": true,
        "caCert": {"type": "configmap", "name": format!("{prefix}-ca"), "namespace": namespace, "certFile": "ca.crt"},
        "userCert": {"type": "secret", "name": format!("{prefix}-user"), "namespace": namespace,
            "certFile": "user.crt", "certKey": "user.key"},
    })
}

fn sasl() -> Value {
    let file = |key: &str| json!({"type": "secret", "name": "sasl", "file": key});
    json!({"type": "Plain", "clientIDReference": file("id"), "clientSecretReference": file("pw")})
}

fn no_console() -> Value {
    json!({"enable": false})
}

#[test]
fn every_place_that_refers_to_an_object_is_listed() {
    let kafka = json!({"address": "k", "topic": "t", "tls": tls("k", "kafka"), "sasl": sasl()});
    let unchecked = json!({"enable": true, "insecureSkipVerify": true,
        "caCert": {"name": "ca", "certFile": "ca.crt"}});
    for (name, spec, facts, expected) in [
        ("nothing", json!({}), kubernetes(), vec![]),
        (
            "Kafka",
            json!({"deploymentModel": "Kafka", "kafka": kafka, "consolePlugin": no_console()}),
            kubernetes(),
            vec![
                "Agent spec.kafka.tls.caCert: ConfigMap kafka/k-ca ca.crt -> netobserv-privileged kafka-ca",
                "Agent spec.kafka.tls.userCert: Secret kafka/k-user user.crt,user.key -> netobserv-privileged kafka-user",
                "Agent spec.kafka.sasl.clientIDReference: Secret netobserv/sasl id -> netobserv-privileged kafka-sd1",
                "Agent spec.kafka.sasl.clientSecretReference: Secret netobserv/sasl pw -> netobserv-privileged kafka-sd2",
                "Processor spec.kafka.tls.caCert: ConfigMap kafka/k-ca ca.crt -> netobserv kafka-ca",
                "Processor spec.kafka.tls.userCert: Secret kafka/k-user user.crt,user.key -> netobserv kafka-user",
                "Processor spec.kafka.sasl.clientIDReference: Secret netobserv/sasl id -> netobserv kafka-sd1",
                "Processor spec.kafka.sasl.clientSecretReference: Secret netobserv/sasl pw -> netobserv kafka-sd2",
            ],
        ),
        (
            "on hold",
            json!({"deploymentModel": "Kafka", "kafka": kafka, "execution": {"mode": "OnHold"}}),
            kubernetes(),
            vec![],
        ),
        (
            "Kafka that is not used",
            json!({"kafka": kafka}),
            kubernetes(),
            vec![],
        ),
        (
            "a certificate that is not checked",
            json!({"deploymentModel": "Kafka", "kafka": {"address": "k", "topic": "t", "tls": unchecked}}),
            kubernetes(),
            vec![
                "Agent spec.kafka.tls.caCert: Secret netobserv/ca ca.crt -> netobserv-privileged kafka-ca",
            ],
        ),
        (
            "exporters",
            json!({"exporters": [
                {"type": "OpenTelemetry", "openTelemetry": {"targetHost": "o", "targetPort": 1, "tls": tls("o", "otlp")}},
                {"type": "Kafka", "kafka": {"address": "k", "topic": "t", "tls": tls("k", ""), "sasl": sasl()}},
            ]}),
            kubernetes(),
            vec![
                "Processor spec.exporters[0].openTelemetry.tls.caCert: ConfigMap otlp/o-ca ca.crt -> netobserv -",
                "Processor spec.exporters[0].openTelemetry.tls.userCert: Secret otlp/o-user user.crt,user.key -> netobserv -",
                "Processor spec.exporters[1].kafka.tls.caCert: ConfigMap netobserv/k-ca ca.crt -> netobserv kafka-export-1-ca",
                "Processor spec.exporters[1].kafka.tls.userCert: Secret netobserv/k-user user.crt,user.key -> netobserv kafka-export-1-user",
                "Processor spec.exporters[1].kafka.sasl.clientIDReference: Secret netobserv/sasl id -> netobserv kafka-export-1-sd1",
                "Processor spec.exporters[1].kafka.sasl.clientSecretReference: Secret netobserv/sasl pw -> netobserv kafka-export-1-sd2",
            ],
        ),
        (
            "certificates of the service, one way",
            json!({"processor": {"service": {"tlsType": "Provided", "providedCertificates": {
                "serverCert": {"name": "server", "certFile": "tls.crt", "certKey": "tls.key"},
                "caFile": {"type": "configmap", "name": "ca", "namespace": "pki", "file": "ca.crt"},
            }}}}),
            kubernetes(),
            vec![
                "Processor spec.processor.service.providedCertificates.serverCert: Secret netobserv/server tls.crt,tls.key -> netobserv -",
                "Agent spec.processor.service.providedCertificates.caFile: ConfigMap pki/ca ca.crt -> netobserv-privileged tls-ca",
            ],
        ),
        (
            "certificates of the service, both ways",
            json!({"processor": {"service": {"tlsType": "Provided", "providedCertificates": {
                "serverCert": {"name": "server", "certFile": "tls.crt", "certKey": "tls.key"},
                "clientCert": {"name": "client", "certFile": "tls.crt", "certKey": "tls.key"},
                "caFile": {"type": "configmap", "name": "ca", "file": "ca.crt"},
            }}}}),
            kubernetes(),
            vec![
                "Processor spec.processor.service.providedCertificates.serverCert: Secret netobserv/server tls.crt,tls.key -> netobserv -",
                "Processor spec.processor.service.providedCertificates.caFile: ConfigMap netobserv/ca ca.crt -> netobserv -",
                "Agent spec.processor.service.providedCertificates.caFile: ConfigMap netobserv/ca ca.crt -> netobserv-privileged mtls-ca",
                "Agent spec.processor.service.providedCertificates.clientCert: Secret netobserv/client tls.crt,tls.key -> netobserv-privileged mtls-user",
            ],
        ),
        (
            "Loki by hand",
            json!({"loki": {"mode": "Manual", "manual": {"tls": tls("l", "logs"), "statusUrl": "https://l/", "statusTls": tls("s", "logs")}}}),
            kubernetes(),
            vec![
                "Processor spec.loki.manual.tls.caCert: ConfigMap logs/l-ca ca.crt -> netobserv -",
                "Console spec.loki.manual.tls.caCert: ConfigMap logs/l-ca ca.crt -> netobserv -",
                "Console spec.loki.manual.statusTls.caCert: ConfigMap logs/s-ca ca.crt -> netobserv -",
                "Console spec.loki.manual.statusTls.userCert: Secret logs/s-user user.crt,user.key -> netobserv -",
            ],
        ),
        (
            "one section for Loki's two addresses",
            json!({"loki": {"mode": "Monolithic", "monolithic": {"tls": tls("l", "logs")}}}),
            kubernetes(),
            vec![
                "Processor spec.loki.monolithic.tls.caCert: ConfigMap logs/l-ca ca.crt -> netobserv -",
                "Console spec.loki.monolithic.tls.caCert: ConfigMap logs/l-ca ca.crt -> netobserv -",
                "Console spec.loki.monolithic.tls.userCert: Secret logs/l-user user.crt,user.key -> netobserv -",
            ],
        ),
        (
            "certificates for a status that has no address",
            json!({"loki": {"mode": "Manual", "manual": {"statusTls": tls("s", "logs")}}}),
            kubernetes(),
            vec![
                "Console spec.loki.manual.statusTls.caCert: ConfigMap logs/s-ca ca.crt -> netobserv -",
                "Console spec.loki.manual.statusTls.userCert: Secret logs/s-user user.crt,user.key -> netobserv -",
            ],
        ),
        (
            "a LokiStack without console",
            json!({"loki": {"mode": "LokiStack", "lokiStack": {"name": "ls", "namespace": "logs"}}, "consolePlugin": no_console()}),
            openshift("4.19.0"),
            vec![
                "Processor spec.loki.lokiStack.tls.caCert: ConfigMap logs/ls-gateway-ca-bundle service-ca.crt -> netobserv -",
            ],
        ),
        (
            "Prometheus by hand",
            json!({"prometheus": {"querier": {"mode": "Auto", "manual": {"tls": tls("p", "mon"), "alertManager": {"url": "https://a/", "tls": tls("a", "mon")}}}}}),
            kubernetes(),
            vec![
                "Console spec.prometheus.querier.manual.tls.caCert: ConfigMap mon/p-ca ca.crt -> netobserv -",
                "Console spec.prometheus.querier.manual.alertManager.tls.caCert: ConfigMap mon/a-ca ca.crt -> netobserv -",
            ],
        ),
        (
            "OpenShift's own Prometheus",
            json!({"prometheus": {"querier": {"mode": "Auto", "manual": {"tls": tls("p", "mon")}}}}),
            openshift("4.19.0"),
            vec![],
        ),
        (
            "certificates of the metrics",
            json!({
                "processor": {"metrics": {"server": {"tls": {"type": "Provided",
                    "provided": {"name": "p", "namespace": "pki", "certFile": "tls.crt", "certKey": "tls.key"},
                    "providedCaFile": {"type": "configmap", "name": "ca", "file": "ca.crt"}}}}},
                "agent": {"ebpf": {"metrics": {"server": {"tls": {"type": "Provided", "insecureSkipVerify": true,
                    "provided": {"name": "a", "certFile": "tls.crt", "certKey": "tls.key"},
                    "providedCaFile": {"type": "configmap", "name": "ca", "file": "ca.crt"}}}}}},
            }),
            kubernetes(),
            vec![
                "Processor spec.processor.metrics.server.tls.provided: Secret pki/p tls.crt,tls.key -> netobserv -",
                "Processor spec.processor.metrics.server.tls.providedCaFile: ConfigMap netobserv/ca ca.crt -> netobserv -",
                "Agent spec.agent.ebpf.metrics.server.tls.provided: Secret netobserv/a tls.crt,tls.key -> netobserv-privileged -",
            ],
        ),
        (
            "certificates of the metrics, which the console with the store reads too",
            json!({
                "loki": {"mode": "Embedded"},
                "processor": {"metrics": {"server": {"tls": {"type": "Provided", "insecureSkipVerify": true,
                    "providedCaFile": {"name": "unused", "file": "ca.crt"}}}}},
                "agent": {"ebpf": {"metrics": {"server": {"tls": {"type": "Provided",
                    "providedCaFile": {"type": "configmap", "name": "ca", "namespace": "pki", "file": "ca.crt"}}}}}},
            }),
            kubernetes(),
            vec![
                "Agent spec.agent.ebpf.metrics.server.tls.providedCaFile: ConfigMap pki/ca ca.crt -> netobserv-privileged -",
                "Console spec.agent.ebpf.metrics.server.tls.providedCaFile: ConfigMap pki/ca ca.crt -> netobserv -",
            ],
        ),
    ] {
        assert_eq!(listed(&spec, &facts), expected, "{name}");
    }
}

fn made(spec: &Value, references: Known) -> Desired {
    let beside = Beside {
        references,
        ..Beside::default()
    };
    desired_with(spec, &kubernetes(), &beside)
}

fn key(kind: &str, namespace: &str, name: &str) -> Key {
    Key::namespaced(kind, "", namespace, name)
}

fn config_map(pairs: &[(&str, &str)]) -> Content {
    let data: BTreeMap<_, _> = pairs.iter().copied().collect();
    let object = json!({"metadata": {}, "data": data, "binaryData": {"raw": "AAE="}});
    Content::of("ConfigMap", &serde_json::from_value(object).unwrap())
}

fn with_kafka_authority() -> Value {
    json!({"deploymentModel": "Kafka", "kafka": {"address": "k", "topic": "t", "tls": {
        "enable": true,
        "caCert": {"type": "configmap", "name": "ca", "namespace": "kafka", "certFile": "ca.crt"},
    }}, "exporters": [
        {"type": "Kafka", "kafka": {"address": "k", "topic": "t", "sasl": sasl()}},
    ]})
}

fn sasl_secret() -> Content {
    // The Secret of the worked examples: `me` and its password.
    let data =
        json!({"metadata": {}, "data": {"id": "bWU=", "pw": "c3Nzc2FhYWFhc3Nzc3NsbGxsbA=="}});
    Content::of("Secret", &serde_json::from_value(data).unwrap())
}

fn pod_annotations(workload: &Value) -> BTreeMap<String, String> {
    let annotations = workload["spec"]["template"]["metadata"]["annotations"].clone();
    let annotations: BTreeMap<String, String> =
        serde_json::from_value(annotations).unwrap_or_default();
    annotations
        .into_iter()
        .filter_map(|(name, value)| {
            let name = name.strip_prefix("flows.netobserv.io/watched-")?;
            Some((name.to_owned(), value))
        })
        .collect()
}

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn objects_are_copied_to_the_pods_that_use_them_which_carry_their_digests() {
    let known = Known {
        sources: BTreeMap::from([
            (
                key("ConfigMap", "kafka", "ca"),
                State::Found(config_map(&[("ca.crt", " -- KAFKA CA --"), ("other", "x")])),
            ),
            (
                key("Secret", NAMESPACE, "sasl"),
                State::Found(sasl_secret()),
            ),
        ]),
        ..Known::default()
    };
    let made = made(&with_kafka_authority(), known);
    assert_eq!(made.problems, []);
    let mut copies: Vec<_> = made
        .items
        .iter()
        .filter(|item| item.object.key().name == "ca")
        .map(|item| item.object.body().clone())
        .collect();
    copies.sort_by_key(|copy| copy["metadata"]["namespace"].to_string());
    assert_eq!(copies.len(), 2, "one for the agents, one for the pipeline");
    for (copy, namespace) in copies.iter().zip([NAMESPACE, PRIVILEGED]) {
        assert_eq!(copy["metadata"]["namespace"], namespace);
        let from = &copy["metadata"]["annotations"]["flows.netobserv.io/copied-from"];
        assert_eq!(from, "kafka/ca");
        assert_eq!(copy["metadata"]["labels"]["netobserv-managed"], "true");
        assert_eq!(
            copy["metadata"]["ownerReferences"][0]["kind"],
            "FlowCollector"
        );
        assert_eq!(
            copy["data"],
            json!({"ca.crt": " -- KAFKA CA --", "other": "x"})
        );
        assert_eq!(copy["binaryData"], json!({"raw": "AAE="}));
    }
    let agent = find(&made, "DaemonSet", "netobserv-ebpf-agent").unwrap();
    assert_eq!(
        pod_annotations(&agent),
        pairs(&[("kafka-ca", "EPFv4Q=="), ("kafka-user", "")])
    );
    let pipeline = find(&made, "Deployment", "flowlogs-pipeline-transformer").unwrap();
    assert_eq!(
        pod_annotations(&pipeline),
        pairs(&[
            ("kafka-ca", "EPFv4Q=="),
            ("kafka-export-0-sd1", "DTk0Pg=="),
            ("kafka-export-0-sd2", "ItNuCg=="),
        ])
    );
}

#[test]
fn what_is_away_is_reported_and_leaves_pods_and_copies_as_they_were() {
    let workload = Key::namespaced("DaemonSet", "apps", PRIVILEGED, "netobserv-ebpf-agent");
    let copy = config_map(&[("ca.crt", "old")]);
    let known = Known {
        sources: BTreeMap::from([
            (key("ConfigMap", "kafka", "ca"), State::Missing),
            (
                key("Secret", NAMESPACE, "sasl"),
                State::Unreadable("forbidden".to_owned()),
            ),
        ]),
        copies: BTreeMap::from([(key("ConfigMap", PRIVILEGED, "ca"), copy)]),
        annotations: BTreeMap::from([(
            workload,
            pairs(&[("flows.netobserv.io/watched-kafka-ca", "EPFv4Q==")]),
        )]),
        ..Known::default()
    };
    let made = made(&with_kafka_authority(), known);
    let problems: Vec<_> = made
        .problems
        .iter()
        .map(|problem| {
            format!(
                "{:?} {} {}",
                problem.component, problem.reason, problem.message
            )
        })
        .collect();
    assert_eq!(
        problems,
        [
            "Agent AgentKafkaError spec.kafka.tls.caCert: ConfigMap kafka/ca does not exist; create it, or change the reference",
            "Processor FLPKafkaError spec.kafka.tls.caCert: ConfigMap kafka/ca does not exist; create it, or change the reference",
            "Processor FLPKafkaError spec.exporters[0].kafka.sasl.clientIDReference: Secret netobserv/sasl cannot be read: forbidden",
            "Processor FLPKafkaError spec.exporters[0].kafka.sasl.clientSecretReference: Secret netobserv/sasl cannot be read: forbidden",
        ]
    );
    let agent = find(&made, "DaemonSet", "netobserv-ebpf-agent").unwrap();
    assert_eq!(
        pod_annotations(&agent),
        pairs(&[("kafka-ca", "EPFv4Q=="), ("kafka-user", "")])
    );
    let kept = find(&made, "ConfigMap", "ca").expect("the agents' copy stays");
    assert_eq!(kept["metadata"]["namespace"], PRIVILEGED);
    assert_eq!(kept["data"]["ca.crt"], "old");
    let pipeline = find(&made, "Deployment", "flowlogs-pipeline-transformer").unwrap();
    assert_eq!(pod_annotations(&pipeline), pairs(&[]));
}

#[test]
fn a_key_that_is_not_there_and_two_objects_of_one_name_are_reported() {
    let mut spec = with_kafka_authority();
    spec["exporters"] = json!([{"type": "OpenTelemetry", "openTelemetry": {"targetHost": "o", "targetPort": 1,
        "tls": {"enable": true, "caCert": {"type": "configmap", "name": "ca", "namespace": "otlp", "certFile": "x"}}}}]);
    let known = Known {
        sources: BTreeMap::from([
            (
                key("ConfigMap", "kafka", "ca"),
                State::Found(config_map(&[])),
            ),
            (
                key("ConfigMap", "otlp", "ca"),
                State::Found(config_map(&[("x", "y")])),
            ),
        ]),
        ..Known::default()
    };
    let made = made(&spec, known);
    let no_key = "spec.kafka.tls.caCert: ConfigMap kafka/ca has no key ca.crt; add it, or change the reference";
    assert_eq!(
        messages(&made),
        [
            no_key,
            no_key,
            "spec.exporters[0].openTelemetry.tls.caCert: ConfigMap otlp/ca and ConfigMap kafka/ca cannot both be copied to netobserv; rename one of them",
        ]
    );
}
