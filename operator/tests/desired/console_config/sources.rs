//! Where the console reads flows and metrics, and how it serves.

use netobserv_operator::cluster::Facts;
use netobserv_operator::desired::LokiStack;
use serde_json::{Value, json};

use super::{check, config, config_on, parsed};
use crate::support::{self, console_plugins, kubernetes};

#[test]
fn the_server_is_plain_on_its_own_and_secure_in_openshifts_console() {
    for (spec, facts, expected) in [
        (
            json!({}),
            kubernetes(),
            json!({"port": 9001, "authCheck": "none"}),
        ),
        (
            json!({"consolePlugin": {"advanced": {"port": 9443}}}),
            console_plugins("4.19.3"),
            json!({"port": 9443, "certPath": "/var/serving-cert/tls.crt",
                "keyPath": "/var/serving-cert/tls.key", "authCheck": "auto"}),
        ),
        (
            json!({"consolePlugin": {"standalone": true}}),
            console_plugins("4.19.3"),
            json!({"port": 9001, "authCheck": "none"}),
        ),
        (
            json!({"loki": {"mode": "Embedded", "readTimeout": "45s"}}),
            kubernetes(),
            json!({"port": 9001, "authCheck": "none", "queryTimeout": "45s"}),
        ),
    ] {
        check(spec, facts, "/server", expected);
    }
}

const LABELS: [&str; 8] = [
    "SrcK8S_Namespace",
    "SrcK8S_OwnerName",
    "SrcK8S_Type",
    "DstK8S_Namespace",
    "DstK8S_OwnerName",
    "DstK8S_Type",
    "K8S_FlowLayer",
    "FlowDirection",
];

#[test]
fn each_mode_of_loki_says_where_flows_are_read() {
    let tls = json!({"enable": true, "caCert": {"type": "configmap", "name": "ca", "certFile": "ca.crt"}});
    for (loki, expected) in [
        (json!({"enable": false}), json!({"url": "", "labels": []})),
        (json!({"mode": "Embedded"}), Value::Null),
        (
            json!({}),
            json!({"url": "http://loki:3100/", "labels": LABELS, "timeout": "30s", "tenantID": "netobserv"}),
        ),
        (
            json!({"monolithic": {"installDemoLoki": true, "url": "http://ignored/"}}),
            json!({"url": "http://loki:3100/", "labels": LABELS, "timeout": "30s", "tenantID": "netobserv"}),
        ),
        (
            json!({"mode": "Microservices", "readTimeout": "5s",
                "microservices": {"querierUrl": "http://q/", "tenantID": "t", "tls": tls}}),
            json!({"url": "http://q/", "labels": LABELS, "timeout": "5s", "tenantID": "t",
                "caPath": "/var/loki-certs-ca/ca.crt", "statusCaPath": "/var/loki-status-certs-ca/ca.crt"}),
        ),
        (
            json!({"mode": "Manual", "manual": {"querierUrl": "http://q/", "statusUrl": "http://s/", "authToken": "Host",
                "tls": {"enable": true, "insecureSkipVerify": true},
                "statusTls": {"enable": true, "caCert": {"name": "ca", "certFile": "c"},
                    "userCert": {"name": "u", "certFile": "c", "certKey": "k"}}}}),
            json!({"url": "http://q/", "labels": LABELS, "timeout": "30s", "tenantID": "netobserv",
                "statusUrl": "http://s/", "tokenPath": "/var/run/secrets/tokens/netobserv-plugin", "skipTls": true,
                "statusCaPath": "/var/loki-status-certs-ca/c", "statusUserCertPath": "/var/loki-status-certs-user/c",
                "statusUserKeyPath": "/var/loki-status-certs-user/k"}),
        ),
        (
            json!({"mode": "LokiStack", "lokiStack": {"name": "ls", "namespace": "logs"}}),
            json!({"url": "https://ls-gateway-http.logs.svc.cluster.local.:8080/api/logs/v1/network/",
                "statusUrl": "https://ls-query-frontend-http.logs.svc.cluster.local.:3100/",
                "labels": LABELS, "timeout": "30s", "tenantID": "network", "forwardUserToken": true,
                "caPath": "/var/loki-certs-ca/service-ca.crt",
                "statusCaPath": "/var/loki-status-certs-ca/service-ca.crt",
                "statusUserCertPath": "/var/loki-status-certs-user/tls.crt",
                "statusUserKeyPath": "/var/loki-status-certs-user/tls.key"}),
        ),
    ] {
        check(json!({"loki": loki}), kubernetes(), "/loki", expected);
    }
}

#[test]
fn what_a_lokistack_says_replaces_the_question_to_it() {
    let spec = json!({"loki": {"mode": "LokiStack"}});
    let of = |status: Value| LokiStack::of("netobserv", "loki", &json!({"status": status}));
    let not_ready = json!({"conditions": [{"type": "Ready", "status": "False"}]});
    for (stack, status, is_asked) in [
        (of(json!({})), json!("ready"), false),
        (of(not_ready), json!("pending"), false),
        (LokiStack::without_api(), Value::Null, true),
        (
            LokiStack::unreadable("netobserv", "loki", "gone"),
            Value::Null,
            true,
        ),
    ] {
        let config = parsed(&support::desired_on(&spec, &kubernetes(), &stack));
        let found = config["loki"].get("status").cloned().unwrap_or_default();
        assert_eq!(found, status, "{stack:?}");
        assert_eq!(
            config["loki"].get("statusUrl").is_some(),
            is_asked,
            "{stack:?}"
        );
    }
}

#[test]
fn labels_follow_what_flows_carry() {
    for (spec, more) in [
        (json!({}), json!([])),
        (
            json!({"processor": {"logTypes": "All"}}),
            json!(["_RecordType"]),
        ),
        (
            json!({"processor": {"addZone": true, "multiClusterDeployment": true},
                "agent": {"ebpf": {"features": ["UDNMapping"]}}}),
            json!(["K8S_ClusterName", "SrcK8S_Zone", "DstK8S_Zone", "UdnId"]),
        ),
    ] {
        let mut expected = LABELS.to_vec();
        expected.extend(more.as_array().unwrap().iter().map(|l| l.as_str().unwrap()));
        check(spec, kubernetes(), "/loki/labels", json!(expected));
    }
    let excluded =
        json!({"loki": {"advanced": {"excludeLabels": ["K8S_FlowLayer", "FlowDirection"]}}});
    check(excluded, kubernetes(), "/loki/labels", json!(LABELS[..6]));
}

/// The block without its metrics.
fn prometheus(spec: &Value, facts: &Facts) -> Value {
    let mut block = config_on(spec, facts)["prometheus"].take();
    if let Some(block) = block.as_object_mut() {
        block.remove("metrics");
    }
    block
}

#[test]
fn prometheus_is_openshifts_own_or_the_one_that_is_named() {
    let token = "/var/run/secrets/tokens/netobserv-plugin";
    let manual = json!({"url": "https://p/", "forwardUserToken": true,
        "tls": {"enable": true, "caCert": {"type": "configmap", "name": "ca", "certFile": "c"}},
        "alertManager": {"url": "https://am/", "tls": {"enable": true, "insecureSkipVerify": true}}});
    for (querier, facts, expected) in [
        (json!({"enable": false}), kubernetes(), Value::Null),
        (
            json!({}),
            kubernetes(),
            json!({"url": "http://prometheus:9090", "timeout": "30s", "tokenPath": token}),
        ),
        (
            json!({"timeout": "5s"}),
            console_plugins("4.19.3"),
            json!({"url": "https://thanos-querier.openshift-monitoring.svc.cluster.local.:9091/",
                "devUrl": "https://thanos-querier.openshift-monitoring.svc.cluster.local.:9092/",
                "timeout": "5s", "tokenPath": token, "caPath": "/var/prom-certs-ca/service-ca.crt",
                "forwardUserToken": true}),
        ),
        (
            json!({"mode": "Manual", "manual": manual}),
            console_plugins("4.19.3"),
            json!({"url": "https://p/", "timeout": "30s", "tokenPath": token, "caPath": "/var/prom-certs-ca/c",
                "forwardUserToken": true, "alertManager": {"url": "https://am/", "skipTls": true}}),
        ),
        // Alerts are only asked for in the mode Manual, and need an address.
        (
            json!({"manual": manual}),
            kubernetes(),
            json!({"url": "https://p/", "timeout": "30s", "tokenPath": token, "caPath": "/var/prom-certs-ca/c",
                "forwardUserToken": true}),
        ),
        (
            json!({"mode": "Manual", "manual": {"url": "http://p/"}}),
            kubernetes(),
            json!({"url": "http://p/", "timeout": "30s", "tokenPath": token}),
        ),
    ] {
        let spec = json!({"prometheus": {"querier": querier}});
        assert_eq!(prometheus(&spec, &facts), expected, "{spec}");
    }
    let embedded = json!({"loki": {"mode": "Embedded"}});
    assert_eq!(prometheus(&embedded, &kubernetes()), Value::Null);
}

#[test]
fn each_predefined_metric_is_listed_and_says_whether_it_is_made() {
    let config =
        config(&json!({"processor": {"metrics": {"includeList": ["node_egress_bytes_total"]}}}));
    let metrics = config["prometheus"]["metrics"].as_array().unwrap();
    assert_eq!(metrics.len(), 37);
    let enabled: Vec<_> = metrics.iter().filter(|m| m["enabled"] == true).collect();
    assert_eq!(
        enabled,
        [
            &json!({"enabled": true, "name": "netobserv_node_egress_bytes_total", "type": "Counter",
            "valueField": "Bytes", "direction": "Egress", "labels": ["SrcK8S_HostName", "DstK8S_HostName"]})
        ]
    );
    let find = |name: &str| {
        let name = format!("netobserv_{name}");
        let metric = metrics
            .iter()
            .find(|metric| metric["name"] == name)
            .unwrap();
        [&metric["type"], &metric["valueField"], &metric["direction"]].map(|v| v.as_str().unwrap())
    };
    for (name, expected) in [
        (
            "namespace_ingress_packets_total",
            ["Counter", "Packets", "Ingress"],
        ),
        ("workload_sampling", ["Gauge", "Sampling", "Any"]),
        (
            "namespace_rtt_seconds",
            ["Histogram", "TimeFlowRttNs", "Any"],
        ),
        ("node_to_node_ingress_flows_total", ["Counter", "", "Any"]),
    ] {
        assert_eq!(find(name), expected, "{name}");
    }
}
