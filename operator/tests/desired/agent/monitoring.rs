//! How the metrics of agents are scraped.

use serde_json::json;

use super::{AGENT, value};
use crate::support::{self, environment, facts, find, kubernetes, names};

#[test]
fn metrics_are_scraped_as_they_are_served() {
    let server = "ebpf-agent-svc-prom.netobserv-privileged.svc";
    for (tls, scheme, config) in [
        (json!(null), "http", json!(null)),
        (json!({"type": "Disabled"}), "http", json!(null)),
        (
            json!({"type": "Auto"}),
            "https",
            json!({"serverName": server, "ca": {"configMap": {"name": "netobserv-ca", "key": "service-ca.crt"}}}),
        ),
        (
            json!({"type": "Provided", "provided": {"name": "c", "certFile": "a", "certKey": "b"},
                "providedCaFile": {"type": "secret", "name": "ca", "file": "ca.crt"}}),
            "https",
            json!({"serverName": server, "insecureSkipVerify": false,
                "ca": {"secret": {"name": "ca", "key": "ca.crt"}}}),
        ),
        (
            json!({"type": "Provided", "provided": {"name": "c", "certFile": "a", "certKey": "b"},
                "insecureSkipVerify": true, "providedCaFile": {"type": "secret", "name": "ca", "file": "ca.crt"}}),
            "https",
            json!({"serverName": server, "insecureSkipVerify": true}),
        ),
    ] {
        let spec = json!({"agent": {"ebpf": {"metrics": {"server": {"tls": tls}}}}});
        let desired = support::desired(&spec, &kubernetes());
        let monitor = find(&desired, "ServiceMonitor", "ebpf-agent-svc-monitor").unwrap();
        let endpoint = &monitor["spec"]["endpoints"][0];
        assert_eq!(endpoint["scheme"], scheme, "{tls}");
        assert_eq!(endpoint["tlsConfig"], config, "{tls}");
        assert_eq!(endpoint["interval"], "30s");
        let agent = find(&desired, "DaemonSet", AGENT).unwrap();
        let is_secure = scheme == "https";
        assert_eq!(
            value(&agent, "METRICS_TLS_CERT_PATH").is_some(),
            is_secure,
            "{tls}"
        );
        assert_eq!(
            environment(&agent)
                .last()
                .unwrap()
                .starts_with("METRICS_TLS_CERT_PATH=/var/prom-certs/"),
            is_secure
        );
        let service = find(&desired, "Service", "ebpf-agent-svc-prom").unwrap();
        let is_automatic = tls["type"] == "Auto";
        assert_eq!(
            service["metadata"]["annotations"]
                .get("service.beta.openshift.io/serving-cert-secret-name")
                .is_some(),
            is_automatic
        );
    }
}

#[test]
fn monitoring_is_there_as_far_as_it_can_be_and_is_wanted() {
    let all = [
        "PrometheusRule ebpf-agent-prom-alert",
        "Service ebpf-agent-svc-prom",
        "ServiceMonitor ebpf-agent-svc-monitor",
    ];
    for (spec, facts, expected) in [
        (json!({}), kubernetes(), all.to_vec()),
        (json!({}), facts(&[]), vec![all[1]]),
        (
            json!({"agent": {"ebpf": {"metrics": {"enable": false}}}}),
            kubernetes(),
            vec![],
        ),
        (
            json!({"execution": {"mode": "OnHold"}}),
            kubernetes(),
            vec![all[0], all[2]],
        ),
    ] {
        let found = names(&support::desired(&spec, &facts));
        let found: Vec<_> = found.iter().filter(|n| n.contains("ebpf-agent-")).collect();
        assert_eq!(found, expected.iter().collect::<Vec<_>>(), "{spec}");
    }
    for (disabled, count) in [(json!([]), 1), (json!(["NetObservDroppedFlows"]), 0)] {
        let spec = json!({"agent": {"ebpf": {"metrics": {"disableAlerts": disabled}}}});
        let desired = support::desired(&spec, &kubernetes());
        let rule = find(&desired, "PrometheusRule", "ebpf-agent-prom-alert").unwrap();
        let rules = rule["spec"]["groups"][0]["rules"].as_array().unwrap();
        assert_eq!(rules.len(), count, "{disabled}");
    }
}
