//! What OpenShift's monitoring needs, and what is else in the build that its own Prometheus watches.

use crate::support::{self, Beside, console_plugins, desired_with, find, openshift};
use serde_json::{Value, json};

const NAMESPACES: [&str; 2] = ["netobserv", "netobserv-privileged"];

#[test]
fn prometheus_may_look_into_both_namespaces() {
    let desired = support::desired(&json!({}), &openshift("4.19.0"));
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
fn what_is_scraped_is_scraped_once() {
    let mut monitors = 0;
    for model in ["Service", "Kafka", "Direct"] {
        for mode in ["Embedded", "LokiStack"] {
            let spec = json!({"deploymentModel": model, "loki": {"mode": mode}});
            let desired = support::desired(&spec, &console_plugins("4.19.0"));
            let of_kind = |kind: &'static str| {
                let items = desired.items.iter();
                let items = items.filter(move |item| item.object.key().kind == kind);
                items.map(|item| item.object.body())
            };
            for monitor in of_kind("ServiceMonitor") {
                monitors += 1;
                let namespaces = &monitor["spec"]["namespaceSelector"]["matchNames"];
                let labels = monitor["spec"]["selector"]["matchLabels"].as_object();
                let port = &monitor["spec"]["endpoints"][0]["port"];
                let selected = of_kind("Service").filter(|service| {
                    let metadata = &service["metadata"];
                    let has_label =
                        |(key, value): (&String, &Value)| &metadata["labels"][key] == value;
                    let mut ports = service["spec"]["ports"].as_array().unwrap().iter();
                    namespaces
                        .as_array()
                        .unwrap()
                        .contains(&metadata["namespace"])
                        && labels.unwrap().iter().all(has_label)
                        && ports.any(|has| &has["name"] == port)
                });
                assert_eq!(selected.count(), 1, "{model} {mode}: {monitor}");
            }
        }
    }
    assert_eq!(monitors, 18, "agents, pipelines, console");
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
