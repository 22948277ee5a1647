//! What OpenShift's monitoring needs, and what is else in the build that its own Prometheus watches.
#![allow(clippy::unwrap_used, reason = "tests: a failure is a panic")]

mod desired;

use desired::{Beside, desired_with, find, openshift};
use serde_json::{Value, json};

const NAMESPACES: [&str; 2] = ["netobserv", "netobserv-privileged"];

#[test]
fn prometheus_may_look_into_both_namespaces() {
    let desired = desired::desired(&json!({}), &openshift("4.19.0"));
    let bindings: Vec<&Value> = desired
        .items
        .iter()
        .map(|item| item.object.body())
        .filter(|body| body["metadata"]["name"] == "netobserv-expose-metrics")
        .collect();
    let namespaces: Vec<_> = bindings
        .iter()
        .map(|body| body["metadata"]["namespace"].as_str().unwrap())
        .collect();
    assert_eq!(namespaces, NAMESPACES);
    assert_eq!(bindings[0]["roleRef"]["name"], "netobserv-expose-metrics");
    assert_eq!(
        bindings[0]["subjects"],
        json!([{"kind": "ServiceAccount", "name": "prometheus-k8s", "namespace": "openshift-monitoring"}])
    );
}

#[test]
fn downstream_the_clusters_own_prometheus_watches() {
    let tls = json!({"metrics": {"server": {"tls": {"type": "Auto"}}}});
    let spec = json!({"processor": tls, "agent": {"ebpf": tls}});
    for is_downstream in [false, true] {
        let beside = Beside {
            is_downstream,
            ..Beside::default()
        };
        let desired = desired_with(&spec, &openshift("4.19.0"), &beside);
        for name in NAMESPACES {
            let namespace = find(&desired, "Namespace", name).unwrap();
            let label = &namespace["metadata"]["labels"]["openshift.io/cluster-monitoring"];
            let expected = if is_downstream {
                json!("true")
            } else {
                Value::Null
            };
            assert_eq!(label, &expected, "{name}");
        }
        for name in ["flowlogs-pipeline-monitor", "ebpf-agent-svc-monitor"] {
            let monitor = find(&desired, "ServiceMonitor", name).unwrap();
            let mut tls = monitor["spec"]["endpoints"][0]["tlsConfig"].clone();
            tls.as_object_mut().unwrap().remove("serverName");
            let expected = if is_downstream {
                json!({"caFile": "/etc/prometheus/configmaps/serving-certs-ca-bundle/service-ca.crt"})
            } else {
                json!({"ca": {"configMap": {"name": "openshift-service-ca.crt", "key": "service-ca.crt"}}})
            };
            assert_eq!(tls, expected, "{name}");
        }
    }
}
