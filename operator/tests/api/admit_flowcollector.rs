//! Admission of FlowCollectors: each rule, alone and together.

mod addresses;
mod agent;
mod pods;
mod processor;
mod receivers;

use netobserv_operator::apis::flowcollector::validate::validate;
use netobserv_operator::apis::validation::{ClusterFacts, Findings};
use serde_json::{Value, json};

/// A cluster about which there is nothing to say.
fn facts() -> ClusterFacts {
    ClusterFacts {
        nodes: Ok(3),
        network_plugin: Ok(Some("OVNKubernetes".to_owned())),
        openshift: Ok(Some("4.19.3".to_owned())),
        has_console_plugins: Ok(true),
    }
}

fn find(spec: &Value, facts: &ClusterFacts) -> Findings {
    validate(&serde_json::from_value(spec.clone()).unwrap(), facts)
}

/// Without warnings about metrics, which nearly every set of features brings.
fn without_metrics(mut findings: Findings) -> Findings {
    findings
        .warnings
        .retain(|w| w.path != "spec.processor.metrics.includeList");
    findings
}

/// Path and a part of the text of each finding, in order.
type Expected = Vec<(&'static str, &'static str)>;

fn check(spec: &Value, facts: &ClusterFacts, warnings: &Expected, errors: &Expected) {
    let findings = without_metrics(find(spec, facts));
    for (kind, found, expected) in [
        ("warnings", &findings.warnings, warnings),
        ("errors", &findings.errors, errors),
    ] {
        assert_eq!(found.len(), expected.len(), "{kind} of {spec}: {found:#?}");
        for (finding, (path, text)) in found.iter().zip(expected) {
            assert_eq!(finding.path, *path, "{kind} of {spec}");
            assert!(
                finding.to_string().contains(text),
                "{kind} of {spec}: {finding}"
            );
            assert!(!finding.advice.is_empty(), "{finding}");
        }
    }
}

fn agent(ebpf: Value) -> Value {
    json!({ "agent": { "ebpf": ebpf } })
}

/// The model Kafka, and a Kafka for it.
fn kafka(processor: Value) -> Value {
    let kafka = json!({ "address": "k:9092", "topic": "t" });
    json!({ "deploymentModel": "Kafka", "kafka": kafka, "processor": processor })
}

fn processor(processor: Value) -> Value {
    json!({ "processor": processor })
}

#[test]
fn an_empty_specification_is_valid() {
    check(&json!({}), &facts(), &vec![], &vec![]);
    let unknown = ClusterFacts::unknown("cluster info not collected");
    check(
        &json!({}),
        &unknown,
        &vec![
            ("spec.deploymentModel", "cluster info not collected"),
            ("spec.networkPolicy.enable", "cluster info not collected"),
        ],
        &vec![],
    );
}

#[test]
fn the_model_fits_the_cluster() {
    for (model, nodes, warnings) in [
        ("Direct", 14, vec![]),
        ("Direct", 15, vec![("spec.deploymentModel", "15 nodes")]),
        ("Service", 100, vec![]),
        ("Kafka", 100, vec![]),
    ] {
        let facts = ClusterFacts {
            nodes: Ok(nodes),
            ..facts()
        };
        let kafka = json!({ "address": "k:9092", "topic": "t" });
        check(
            &json!({ "deploymentModel": model, "kafka": kafka }),
            &facts,
            &warnings,
            &vec![],
        );
    }
}

#[test]
fn network_policies_fit_the_network_plugin() {
    let path = "spec.networkPolicy.enable";
    for (plugin, policy, warnings) in [
        (Ok(Some("OVNKubernetes")), json!({ "enable": true }), vec![]),
        (
            Ok(Some("OpenShiftSDN")),
            json!({ "enable": true }),
            vec![(path, "ignored")],
        ),
        (Ok(Some("OpenShiftSDN")), json!({}), vec![]),
        (
            Ok(None),
            json!({ "enable": true }),
            vec![(path, "not tested")],
        ),
        (
            Ok(Some("")),
            json!({ "enable": true }),
            vec![(path, "not tested")],
        ),
        (Ok(None), json!({}), vec![]),
        (Err("forbidden"), json!({}), vec![(path, "forbidden")]),
    ] {
        let network_plugin = plugin.map(|p| p.map(str::to_owned)).map_err(str::to_owned);
        let facts = ClusterFacts {
            network_plugin,
            ..facts()
        };
        check(
            &json!({ "networkPolicy": policy }),
            &facts,
            &warnings,
            &vec![],
        );
    }
}

#[test]
fn other_rules() {
    let provided = "spec.processor.service.providedCertificates";
    let tls = |certificates: Value| {
        processor(
            json!({ "service": { "tlsType": "Provided", "providedCertificates": certificates } }),
        )
    };
    let embedded =
        |console: Value| json!({ "loki": { "mode": "Embedded" }, "consolePlugin": console });
    let client = json!({ "enable": true, "userCert": { "name": "u" } });
    let range = "spec.processor.subnetLabels.customLabels[0].cidrs[1]";
    for (spec, warnings, errors) in [
        (
            processor(json!({ "metrics": { "includeList": [], "additionalIncludeList": [] } })),
            vec![("spec.processor.metrics.additionalIncludeList", "ignored")],
            vec![],
        ),
        (
            processor(
                json!({ "subnetLabels": { "customLabels": [{ "name": "a", "cidrs": ["10.0.0.0/8", "10.0.0"] }] } }),
            ),
            vec![],
            vec![(range, "10.0.0")],
        ),
        (
            processor(json!({ "service": { "tlsType": "Provided" } })),
            vec![],
            vec![(provided, "Provided")],
        ),
        (
            tls(json!({})),
            vec![],
            vec![(
                "spec.processor.service.providedCertificates.caFile",
                "missing",
            )],
        ),
        (
            tls(json!({ "caFile": {} })),
            vec![],
            vec![(
                "spec.processor.service.providedCertificates.serverCert",
                "missing",
            )],
        ),
        (
            tls(json!({ "caFile": {}, "serverCert": {} })),
            vec![],
            vec![],
        ),
        (
            kafka(json!({ "service": { "tlsType": "Provided" } })),
            vec![],
            vec![],
        ),
        (
            json!({ "agent": { "ebpf": { "logLevel": "debug" } }, "processor": { "logLevel": "trace" } }),
            vec![
                ("spec.agent.ebpf.logLevel", "debug"),
                ("spec.processor.logLevel", "trace"),
            ],
            vec![],
        ),
        (
            json!({ "loki": { "mode": "Monolithic", "monolithic": { "installDemoLoki": true } } }),
            vec![("spec.loki.monolithic.installDemoLoki", "production")],
            vec![],
        ),
        (
            json!({ "loki": { "enable": false, "mode": "Monolithic", "monolithic": { "installDemoLoki": true } } }),
            vec![],
            vec![],
        ),
        (embedded(json!({})), vec![], vec![]),
        (
            embedded(json!({ "replicas": 2 })),
            vec![],
            vec![("spec.consolePlugin.replicas", "Embedded")],
        ),
        (
            embedded(
                json!({ "autoscaler": { "status": "Enabled" }, "unmanagedReplicas": true, "enable": false }),
            ),
            vec![],
            vec![
                ("spec.consolePlugin.autoscaler", "Embedded"),
                ("spec.consolePlugin.unmanagedReplicas", "Embedded"),
                ("spec.consolePlugin.enable", "Embedded"),
            ],
        ),
        (
            json!({ "loki": { "mode": "Manual", "manual": { "ingesterUrl": "https://l", "querierUrl": "https://l", "tls": client } },
                "prometheus": { "querier": { "mode": "Manual", "manual": { "url": "https://p", "tls": client, "alertManager": { "url": "", "tls": client } } } } }),
            vec![
                ("spec.loki.manual.tls.userCert", "not used"),
                ("spec.prometheus.querier.manual.tls.userCert", "not used"),
                (
                    "spec.prometheus.querier.manual.alertManager.tls.userCert",
                    "not used",
                ),
            ],
            vec![],
        ),
        (
            json!({ "loki": { "mode": "Monolithic", "manual": { "tls": client }, "monolithic": { "url": "https://l", "tls": client } } }),
            vec![],
            vec![],
        ),
        (
            embedded(json!({ "standalone": true })),
            vec![("spec.consolePlugin.standalone", "no login")],
            vec![],
        ),
        (
            json!({ "loki": { "mode": "Embedded", "embedded": { "retention": { "age": "30s" } } } }),
            vec![],
            vec![("spec.loki.embedded.retention.age", "too short")],
        ),
        (
            json!({ "loki": { "mode": "Embedded", "embedded": { "retention": { "bytes": "63Mi" } } } }),
            vec![],
            vec![("spec.loki.embedded.retention.bytes", "66060288 bytes")],
        ),
        (
            json!({ "loki": { "mode": "Embedded", "embedded": { "storage": { "size": "-5Gi" } } } }),
            vec![],
            vec![("spec.loki.embedded.storage.size", "-5Gi is less than 0")],
        ),
        (
            json!({ "networkPolicy": { "additionalNamespaces": ["shop", "Shop", "", "a b"] } }),
            vec![
                (
                    "spec.networkPolicy.additionalNamespaces[1]",
                    "allows nothing",
                ),
                (
                    "spec.networkPolicy.additionalNamespaces[2]",
                    "allows nothing",
                ),
            ],
            vec![(
                "spec.networkPolicy.additionalNamespaces[3]",
                "\"a b\" is no name",
            )],
        ),
        (
            json!({ "loki": { "mode": "Embedded", "embedded": { "storage": { "size": "79Mi" } } } }),
            vec![],
            vec![("spec.loki.embedded.storage.size", "67108864")],
        ),
        (
            json!({ "loki": { "mode": "Embedded", "embedded": { "storage": { "size": "80Mi" } } } }),
            vec![],
            vec![],
        ),
        (
            json!({ "consolePlugin": { "advanced": { "port": 9002 } } }),
            vec![],
            vec![("spec.consolePlugin.advanced.port", "its metrics")],
        ),
        (
            json!({ "consolePlugin": { "advanced": { "port": 3100 } } }),
            vec![],
            vec![],
        ),
        (
            embedded(json!({ "advanced": { "port": 3100 } })),
            vec![],
            vec![("spec.consolePlugin.advanced.port", "the store")],
        ),
        (
            json!({ "loki": { "mode": "Manual", "readTimeout": "soon" }, "exporters": [{ "type": "OpenTelemetry", "openTelemetry": { "targetHost": "o", "targetPort": 1, "metrics": { "pushTimeInterval": "x" } } }] }),
            vec![],
            vec![
                ("spec.loki.readTimeout", "soon"),
                (
                    "spec.exporters[0].openTelemetry.metrics.pushTimeInterval",
                    "\"x\"",
                ),
            ],
        ),
    ] {
        check(&spec, &facts(), &warnings, &errors);
    }
}

#[test]
fn the_console_with_the_store_is_somewhere() {
    let path = "spec.consolePlugin.standalone";
    let login = vec![(path, "no login")];
    // What the cluster decides no user can take back.
    let none = vec![(path, "there would be no store")];
    for (has_plugins, standalone, warnings, errors) in [
        (Ok(true), json!(null), vec![], vec![]),
        (Ok(true), json!(true), login, vec![]),
        (Ok(true), json!(false), vec![], vec![]),
        (Ok(false), json!(null), vec![], vec![]),
        (Ok(false), json!(false), vec![], none),
        (Err("timeout".to_owned()), json!(null), vec![], vec![]),
        (Err("timeout".to_owned()), json!(false), vec![], vec![]),
    ] {
        // An OpenShift may be without its console.
        let facts = ClusterFacts {
            has_console_plugins: has_plugins,
            ..facts()
        };
        let spec = json!({ "loki": { "mode": "Embedded" }, "consolePlugin": { "standalone": standalone } });
        check(&spec, &facts, &warnings, &errors);
    }
}

/// One object with many mistakes: all are told, in the order of the sections.
#[test]
fn all_findings_are_told_at_once_in_one_order() {
    let spec = json!({
        "deploymentModel": "Service",
        "agent": { "type": "IPFIX", "ebpf": { "features": ["PacketDrop"], "logLevel": "trace", "flowFilter": { "enable": true, "cidr": "x" } } },
        "processor": {
            "logTypes": "Conversations",
            "filters": [{ "query": "(" }],
            "service": { "tlsType": "Provided" },
            "metrics": { "healthRules": [{ "template": "DNSErrors", "variants": [{ "thresholds": {} }] }] },
        },
        "loki": { "mode": "Monolithic", "monolithic": { "installDemoLoki": true }, "writeTimeout": "?" },
    });
    let first = find(&spec, &facts());
    let paths = |findings: &[netobserv_operator::apis::validation::Finding]| -> Vec<String> {
        findings.iter().map(|f| f.path.clone()).collect()
    };
    assert_eq!(
        paths(&first.errors),
        [
            "spec.agent.ebpf.flowFilter.cidr",
            "spec.processor.logTypes",
            "spec.processor.filters[0].query",
            "spec.processor.metrics.healthRules[0].variants[0]",
            "spec.processor.service.providedCertificates",
            "spec.loki.writeTimeout",
        ]
    );
    assert_eq!(
        paths(&first.warnings),
        [
            "spec.agent.type",
            "spec.agent.ebpf.privileged",
            "spec.processor.metrics.healthRules[0]",
            "spec.agent.ebpf.logLevel",
            "spec.loki.monolithic.installDemoLoki",
        ]
    );
    assert_eq!(find(&spec, &facts()), first);
}
