//! The processor: placement, records, filters, health rules.

use serde_json::{Value, json};

use super::{check, facts, find, kafka, processor};

#[test]
fn placement_in_the_direct_model() {
    let here = json!({ "scheduling": { "nodeSelector": { "a": "b" } } });
    let there = json!({ "scheduling": { "nodeSelector": { "a": "c" } } });
    let path = "spec.processor.advanced.scheduling";
    for (model, agents, processors, warnings) in [
        ("Direct", json!({}), json!({}), vec![]),
        (
            "Direct",
            here.clone(),
            json!({}),
            vec![(path, "spec.agent.ebpf.advanced.scheduling")],
        ),
        ("Direct", json!({}), here.clone(), vec![(path, "differs")]),
        (
            "Direct",
            here.clone(),
            there.clone(),
            vec![(path, "differs")],
        ),
        ("Direct", here.clone(), here.clone(), vec![]),
        (
            "Direct",
            json!({}),
            json!({ "scheduling": {} }),
            vec![(path, "differs")],
        ),
        ("Kafka", here, there, vec![]),
    ] {
        let spec = json!({
            "deploymentModel": model,
            "kafka": { "address": "k:9092", "topic": "t" },
            "agent": { "ebpf": { "advanced": agents } },
            "processor": { "advanced": processors },
        });
        check(&spec, &facts(), &warnings, &vec![]);
    }
}

#[test]
fn conversations() {
    let path = "spec.processor.logTypes";
    for (spec, warnings, errors) in [
        (
            kafka(json!({ "logTypes": "Conversations" })),
            vec![],
            vec![],
        ),
        (
            json!({ "deploymentModel": "Direct", "processor": { "logTypes": "All" } }),
            vec![(path, "All")],
            vec![],
        ),
        (
            json!({ "processor": { "logTypes": "EndedConversations" } }),
            vec![],
            vec![(path, "Service")],
        ),
        (
            json!({ "deploymentModel": "Direct", "loki": { "enable": false, "mode": "Manual" }, "processor": { "logTypes": "Conversations" } }),
            vec![],
            vec![(path, "spec.loki.enable")],
        ),
        (
            json!({ "loki": { "enable": false, "mode": "Manual" }, "processor": { "logTypes": "All" } }),
            vec![(path, "All")],
            vec![(path, "spec.loki.enable"), (path, "Service")],
        ),
        (
            json!({ "processor": { "logTypes": "Flows" } }),
            vec![],
            vec![],
        ),
    ] {
        check(&spec, &facts(), &warnings, &errors);
    }
}

#[test]
fn queries() {
    let path = "spec.processor.filters[1].query";
    for (query, errors) in [
        ("SrcK8S_Namespace=\"a\" and DstPort=443", vec![]),
        ("SrcK8S_Namespace=\"a\" and", vec![(path, "1:25")]),
        ("", vec![(path, "1:1")]),
        (
            "SrcK8S_Name=~\"a{1001}\"",
            vec![(path, "1:14: bad regular expression")],
        ),
    ] {
        let filters = json!([{ "query": "with(Bytes)" }, { "query": query }]);
        check(
            &processor(json!({ "filters": filters })),
            &facts(),
            &vec![],
            &errors,
        );
    }
}

#[test]
fn health_rules() {
    let variant = "spec.processor.metrics.healthRules[0].variants[0]";
    let info = "spec.processor.metrics.healthRules[0].variants[0].thresholds.info";
    let warning = "spec.processor.metrics.healthRules[0].variants[0].thresholds.warning";
    let volume = "spec.processor.metrics.healthRules[0].variants[0].lowVolumeThreshold";
    let offset = "spec.processor.metrics.healthRules[0].variants[0].trendOffset";
    let duration = "spec.processor.metrics.healthRules[0].variants[0].trendDuration";
    for (template, variants, errors) in [
        (
            "DNSErrors",
            json!({ "groupBy": "Namespace", "thresholds": { "warning": "30", "info": "40" } }),
            vec![(info, "\"40\" for severity info is not below the limit 30")],
        ),
        (
            "DNSErrors",
            json!({ "thresholds": { "warning": "30", "info": "30" } }),
            vec![(info, "30")],
        ),
        (
            "DNSErrors",
            json!({ "thresholds": { "critical": "0", "info": "1" } }),
            vec![(info, "critical")],
        ),
        (
            "DNSErrors",
            json!({ "thresholds": { "critical": "50", "warning": "30", "info": "10.5" } }),
            vec![],
        ),
        (
            "DNSErrors",
            json!({ "thresholds": { "critical": "50", "info": "60" } }),
            vec![(info, "critical")],
        ),
        (
            "DNSErrors",
            json!({ "thresholds": { "warning": "many" } }),
            vec![(warning, "\"many\"")],
        ),
        (
            "DNSErrors",
            json!({ "thresholds": { "warning": "-1" } }),
            vec![(warning, "\"-1\"")],
        ),
        (
            "DNSErrors",
            json!({ "thresholds": {} }),
            vec![(variant, "no threshold")],
        ),
        (
            "DNSErrors",
            json!({ "mode": "Recording", "thresholds": {} }),
            vec![(variant, "no threshold")],
        ),
        (
            "DNSErrors",
            json!({ "thresholds": { "info": "1" }, "lowVolumeThreshold": "x" }),
            vec![(volume, "\"x\"")],
        ),
        (
            "DNSErrors",
            json!({ "thresholds": { "info": "1" }, "trendOffset": "1 day" }),
            vec![(offset, "1 day")],
        ),
        (
            "DNSErrors",
            json!({ "thresholds": { "info": "1" }, "trendOffset": "500ms", "trendDuration": "1.5s" }),
            vec![(offset, "whole seconds"), (duration, "whole seconds")],
        ),
        (
            "DNSErrors",
            json!({ "thresholds": { "info": "1" }, "trendOffset": "0", "trendDuration": "1.5h" }),
            vec![(offset, "1s or more")],
        ),
        (
            "PacketDropsByDevice",
            json!({ "groupBy": "Workload", "thresholds": { "info": "1" } }),
            vec![(variant, "Workload")],
        ),
        (
            "PacketDropsByDevice",
            json!({ "groupBy": "Namespace", "thresholds": { "info": "1" } }),
            vec![(variant, "Namespace")],
        ),
        (
            "PacketDropsByDevice",
            json!({ "groupBy": "Node", "thresholds": { "info": "1" } }),
            vec![],
        ),
        (
            "IPsecErrors",
            json!({ "groupBy": "Namespace", "thresholds": { "info": "1" } }),
            vec![(variant, "IPsecErrors")],
        ),
        (
            "Ingress5xxErrors",
            json!({ "groupBy": "Node", "thresholds": { "info": "1" } }),
            vec![(variant, "Node")],
        ),
        (
            "IngressHTTPLatencyTrend",
            json!({ "groupBy": "Namespace", "thresholds": { "info": "1" } }),
            vec![],
        ),
        (
            "LatencyHighTrend",
            json!({ "groupBy": "Workload", "thresholds": { "info": "1" } }),
            vec![],
        ),
    ] {
        let spec = json!({
            "agent": { "ebpf": { "features": ["DNSTracking", "FlowRTT", "IPSec"] } },
            "processor": { "metrics": { "healthRules": [{ "template": template, "variants": [variants] }] } },
        });
        check(&spec, &facts(), &vec![], &errors);
    }
}

#[test]
fn health_rules_need_features_and_metrics() {
    let rule = json!({ "template": "DNSErrors", "variants": [{ "thresholds": { "info": "1" } }] });
    let spec = processor(json!({ "metrics": { "healthRules": [rule] } }));
    check(
        &spec,
        &facts(),
        &vec![("spec.processor.metrics.healthRules[0]", "DNSTracking")],
        &vec![],
    );

    let names = |spec: Value| -> Vec<String> {
        let warnings = find(&spec, &facts()).warnings;
        let of_metrics = warnings
            .into_iter()
            .filter(|w| w.path == "spec.processor.metrics.includeList");
        of_metrics.map(|w| w.problem).collect()
    };
    assert_eq!(names(json!({})), Vec::<String>::new());
    let few = json!({
        "agent": { "ebpf": { "features": ["DNSTracking"] } },
        "processor": { "metrics": { "includeList": ["node_ingress_bytes_total"] } },
    });
    let problem = |rule: &str, metrics: &str| {
        format!("the health rule {rule} needs one of the metrics {metrics}")
    };
    let dns = "namespace_dns_latency_seconds,workload_dns_latency_seconds";
    let (all_dns, egress) = (
        format!("{dns},node_dns_latency_seconds"),
        "namespace_egress_bytes_total,workload_egress_bytes_total",
    );
    let ingress = "namespace_ingress_bytes_total,workload_ingress_bytes_total";
    let twice = |rule: &str, metrics: &str| [problem(rule, metrics), problem(rule, metrics)];
    let expected: Vec<_> = [
        twice("DNSErrors/", &all_dns),
        twice("DNSErrors/Namespace", dns),
        twice("DNSNxDomain/Namespace", dns),
        twice("ExternalEgressHighTrend/Node", "node_egress_bytes_total"),
        twice("ExternalEgressHighTrend/Namespace", egress),
        twice("ExternalIngressHighTrend/Namespace", ingress),
    ]
    .concat();
    assert_eq!(names(few.clone()), expected);
    let mut quiet = few;
    quiet["processor"]["metrics"]["disableAlerts"] = json!([
        "DNSErrors",
        "DNSNxDomain",
        "ExternalEgressHighTrend",
        "ExternalIngressHighTrend"
    ]);
    assert_eq!(names(quiet), Vec::<String>::new());
}

#[test]
fn namespaces_to_keep_are_names_or_expressions() {
    let at = |index: usize| {
        [
            "spec.processor.slicesConfig.namespacesAllowList[0]",
            "spec.processor.slicesConfig.namespacesAllowList[1]",
            "spec.processor.slicesConfig.namespacesAllowList[2]",
            "spec.processor.slicesConfig.namespacesAllowList[3]",
        ][index]
    };
    let list = json!(["shop", "/shop-(.*/", "", "Shop"]);
    let warnings = vec![(at(2), "keeps the flows of none"), (at(3), "Shop")];
    let errors = vec![(at(1), "regular expression")];
    for (enable, mode, warnings, errors) in [
        (true, "AllowList", warnings, errors),
        (true, "AlwaysCollect", vec![], vec![]),
        (false, "AllowList", vec![], vec![]),
    ] {
        let config =
            json!({ "enable": enable, "collectionMode": mode, "namespacesAllowList": list });
        let spec = processor(json!({ "slicesConfig": config }));
        check(&spec, &facts(), &warnings, &errors);
    }
}

#[test]
fn servers_of_one_process_have_ports_of_their_own() {
    let port = "spec.processor.advanced.port";
    let health = "spec.processor.advanced.healthPort";
    let profile = "spec.processor.advanced.profilePort";
    for (spec, errors) in [
        (processor(json!({})), vec![]),
        (
            processor(json!({ "advanced": { "port": 9401 } })),
            vec![(port, "spec.processor.metrics.server.port")],
        ),
        (
            processor(json!({ "advanced": { "port": 8080 } })),
            vec![(port, health)],
        ),
        (
            processor(json!({ "metrics": { "server": { "port": 8080 } } })),
            vec![(health, "spec.processor.metrics.server.port")],
        ),
        (
            processor(json!({ "advanced": { "profilePort": 2055 } })),
            vec![(profile, port)],
        ),
        (
            processor(json!({ "advanced": { "profilePort": 0 } })),
            vec![],
        ),
        // There agents send to Kafka.
        (kafka(json!({ "advanced": { "port": 9401 } })), vec![]),
    ] {
        check(&spec, &facts(), &vec![], &errors);
    }
}

#[test]
fn alerts_and_certificates_of_metrics_exist() {
    let alerts = "spec.processor.metrics.disableAlerts[2]";
    let provided = "spec.processor.metrics.server.tls.provided";
    let agents = "spec.agent.ebpf.metrics.server.tls.provided";
    let tls =
        |pair: Value| json!({ "server": { "tls": { "type": "Provided", "provided": pair } } });
    for (spec, warnings, errors) in [
        (
            processor(
                json!({ "metrics": { "disableAlerts": ["NetObservNoFlows", "DNSErrors", "DNSError"] } }),
            ),
            vec![(alerts, "\"DNSError\"")],
            vec![],
        ),
        (
            processor(json!({ "metrics": tls(json!(null)) })),
            vec![],
            vec![(provided, "no certificate")],
        ),
        (
            processor(json!({ "metrics": tls(json!({ "name": "" })) })),
            vec![],
            vec![(provided, "no certificate")],
        ),
        (
            processor(json!({ "metrics": tls(json!({ "name": "c" })) })),
            vec![],
            vec![],
        ),
        (
            json!({ "agent": { "ebpf": { "metrics": tls(json!(null)) } } }),
            vec![],
            vec![(agents, "no certificate")],
        ),
        (
            json!({ "agent": { "ebpf": { "metrics": { "enable": false, "server": { "tls": { "type": "Provided" } } } } } }),
            vec![],
            vec![],
        ),
    ] {
        check(&spec, &facts(), &warnings, &errors);
    }
}
