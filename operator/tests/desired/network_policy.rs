//! Network policies by platform, network plugin and features.

use crate::support::{
    Beside, NAMESPACE, PRIVILEGED, console_plugins, desired_with, kubernetes, openshift,
};
use netobserv_operator::cluster::{Facts, NetworkPlugin};
use serde_json::{Value, json};

fn with(mut facts: Facts, plugin: NetworkPlugin) -> Facts {
    facts.network_plugin = plugin;
    facts
}

fn kind() -> Facts {
    with(kubernetes(), NetworkPlugin::Kindnet)
}

fn sdn() -> NetworkPlugin {
    NetworkPlugin::Other("OpenShiftSDN".to_owned())
}

/// `namespace/name: rule; rule` of each policy; the rules as `in from PEERS on PORTS`.
fn policies(spec: &Value, facts: &Facts) -> Vec<String> {
    let desired = desired_with(spec, facts, &Beside::default());
    let items = desired.items.iter().map(|item| &item.object);
    items
        .filter(|object| object.key().kind == "NetworkPolicy")
        .map(|object| {
            let spec = &object.body()["spec"];
            let rules = |direction: &str, word: &str, peers: &str| -> Vec<String> {
                let rules = spec[direction].as_array().cloned().unwrap_or_default();
                rules
                    .iter()
                    .map(|rule| {
                        format!("{word} {}{}", peers_of(&rule[peers]), ports(&rule["ports"]))
                    })
                    .collect()
            };
            let mut all = rules("ingress", "in", "from");
            all.extend(rules("egress", "out", "to"));
            let key = object.key();
            let namespace = key.namespace.as_deref().unwrap();
            format!("{namespace}/{}: {}", key.name, all.join("; "))
        })
        .collect()
}

fn peers_of(peers: &Value) -> String {
    let Some(peers) = peers.as_array() else {
        return "any".to_owned();
    };
    let peers: Vec<_> = peers
        .iter()
        .map(|peer| {
            let namespaces = &peer["namespaceSelector"];
            if let Some(cidr) = peer["ipBlock"]["cidr"].as_str() {
                return cidr.to_owned();
            }
            if let Some(labels) = namespaces["matchLabels"].as_object() {
                let labels: Vec<_> = labels
                    .iter()
                    .map(|(key, value)| format!("{key}={}", value.as_str().unwrap()))
                    .collect();
                return labels.join("+");
            }
            let expressions = &namespaces["matchExpressions"][0];
            if let Some(values) = expressions["values"].as_array() {
                assert_eq!(expressions["key"], "kubernetes.io/metadata.name");
                assert_eq!(expressions["operator"], "In");
                assert_eq!(peer["podSelector"], json!({}));
                let values: Vec<_> = values.iter().map(|value| value.as_str().unwrap()).collect();
                return format!("ns({})", values.join(","));
            }
            assert_eq!(peer, &json!({"podSelector": {}}));
            "here".to_owned()
        })
        .collect();
    peers.join("+")
}

fn ports(ports: &Value) -> String {
    let ports = ports.as_array().cloned().unwrap_or_default();
    let ports = ports.iter().map(|port| {
        assert_eq!(port["protocol"], "TCP");
        format!(" {}", port["port"])
    });
    ports.collect::<Vec<_>>().concat()
}

#[test]
fn each_platform_and_feature_has_its_rules() {
    let none = Vec::<&str>::new();
    let mut with_servers = console_plugins("4.19.0");
    with_servers.api_server_addresses = ["10.0.0.1", "fd00::1", "host"].map(str::to_owned).to_vec();
    with_servers.api_server_ports = vec![7443];
    let openshift_in = "in here; in policy-group.network.openshift.io/host-network= 9443 2055; in ns(openshift-user-workload-monitoring)";
    let openshift_out = "out here; out ns(openshift-apiserver,openshift-kube-apiserver) 6443; out ns(openshift-dns,openshift-monitoring)";
    let manager_in = "in any 8081 8443 9443";
    let manager_out = "out any 443 6443";
    let mut with_port = kind();
    with_port.api_server_addresses = vec!["10.0.0.1".to_owned()];
    with_port.api_server_ports = vec![6443, 8443];
    let mut with_other_plugin = with_port.clone();
    with_other_plugin.network_plugin = NetworkPlugin::Unknown;
    let monitored = "netobserv-privileged/netobserv: in ns(openshift-user-workload-monitoring)";
    for (name, spec, facts, expected) in [
        (
            "kind",
            json!({}),
            kind(),
            vec![
                format!("netobserv/netobserv: in here; {manager_in} 2055; out here; {manager_out}; out ns(kube-system)"),
                "netobserv-privileged/netobserv: ".to_owned(),
            ],
        ),
        (
            "kind, whose API server is known",
            json!({}),
            with_port,
            vec![
                format!("netobserv/netobserv: in here; {manager_in} 2055; out here; {manager_out} 8443; out ns(kube-system)"),
                "netobserv-privileged/netobserv: ".to_owned(),
            ],
        ),
        (
            "another plugin, whatever it makes of the API server's address",
            json!({"networkPolicy": {"enable": true}}),
            with_other_plugin,
            vec![
                format!("netobserv/netobserv: in here; {manager_in} 2055; out here; {manager_out} 8443; out ns(kube-system)"),
                "netobserv-privileged/netobserv: ".to_owned(),
            ],
        ),
        (
            "further namespaces",
            json!({"networkPolicy": {"additionalNamespaces": ["a", "b"]}}),
            kind(),
            vec![
                format!("netobserv/netobserv: in here; {manager_in} 2055; in ns(a,b); out here; {manager_out}; out ns(kube-system,a,b)"),
                "netobserv-privileged/netobserv: ".to_owned(),
            ],
        ),
        (
            "OVN, Service",
            json!({}),
            with(kubernetes(), NetworkPlugin::OvnKubernetes),
            vec![
                format!("netobserv/netobserv: in here; in kubernetes.io/metadata.name=ovn-host-network 2055; {manager_in}; out here; {manager_out}; out ns(kube-system)"),
                "netobserv-privileged/netobserv: ".to_owned(),
            ],
        ),
        (
            "OVN, Kafka",
            json!({"deploymentModel": "Kafka", "kafka": {"address": "k", "topic": "t"}}),
            with(kubernetes(), NetworkPlugin::OvnKubernetes),
            vec![
                format!("netobserv/netobserv: in here; {manager_in}; out here; {manager_out}; out ns(kube-system)"),
                "netobserv-privileged/netobserv: ".to_owned(),
            ],
        ),
        (
            "OpenShift",
            json!({}),
            with(openshift("4.19.0"), NetworkPlugin::OvnKubernetes),
            vec![format!("netobserv/netobserv: {openshift_in}; {openshift_out}"), monitored.to_owned()],
        ),
        (
            "OpenShift with its console and addresses",
            json!({"deploymentModel": "Direct"}),
            with(with_servers, NetworkPlugin::OvnKubernetes),
            vec![
                "netobserv/netobserv: in here; in kubernetes.io/metadata.name=openshift-console 9001; \
                 in policy-group.network.openshift.io/host-network= 9443; in ns(openshift-user-workload-monitoring); \
                 out here; out ns(openshift-apiserver,openshift-kube-apiserver) 6443; out 10.0.0.1/32+fd00::1/128 7443; \
                 out ns(openshift-dns,openshift-monitoring)".to_owned(),
                monitored.to_owned(),
            ],
        ),
        (
            "a LokiStack elsewhere",
            json!({"loki": {"mode": "LokiStack", "lokiStack": {"name": "l", "namespace": "logs"}}}),
            kind(),
            vec![
                format!("netobserv/netobserv: in here; {manager_in} 2055; in ns(logs); out here; {manager_out}; out ns(logs,kube-system)"),
                "netobserv-privileged/netobserv: ".to_owned(),
            ],
        ),
        (
            "the store",
            json!({"loki": {"mode": "Embedded"}}),
            kind(),
            vec![
                format!("netobserv/netobserv: in here; {manager_in} 2055; out here; {manager_out}; out ns(kube-system)"),
                "netobserv-privileged/netobserv: ".to_owned(),
                "netobserv/netobserv-console-to-nodes: out any 9400".to_owned(),
            ],
        ),
        (
            "the store, and pipelines on the nodes' own network",
            json!({"deploymentModel": "Direct", "loki": {"mode": "Embedded"}}),
            kind(),
            vec![
                format!("netobserv/netobserv: in here; {manager_in} 3100; out here; {manager_out}; out ns(kube-system)"),
                "netobserv-privileged/netobserv: ".to_owned(),
                "netobserv/netobserv-console-to-nodes: out any 9400 9401".to_owned(),
            ],
        ),
        (
            "the store on OpenShift, whose pipelines have addresses of their own",
            json!({"deploymentModel": "Direct", "loki": {"mode": "Embedded"}}),
            with(openshift("4.19.0"), NetworkPlugin::OvnKubernetes),
            vec![
                format!("netobserv/netobserv: {}; {openshift_out}", openshift_in.replace(" 2055", "")),
                monitored.to_owned(),
                "netobserv/netobserv-console-to-nodes: out any 9400".to_owned(),
            ],
        ),
        (
            "on hold",
            json!({"execution": {"mode": "OnHold"}}),
            kind(),
            vec![
                format!("netobserv/netobserv: in here; {manager_in} 2055; out here; {manager_out}; out ns(kube-system)"),
                "netobserv-privileged/netobserv: ".to_owned(),
            ],
        ),
    ] {
        assert_eq!(policies(&spec, &facts), expected, "{name}");
    }
    let asked = json!({"networkPolicy": {"enable": true}});
    let refused = json!({"networkPolicy": {"enable": false}});
    for (name, spec, facts) in [
        ("an unknown plugin", json!({}), kubernetes()),
        ("switched off", refused, kind()),
        (
            "OpenShiftSDN",
            asked.clone(),
            with(openshift("4.14.0"), sdn()),
        ),
    ] {
        assert_eq!(policies(&spec, &facts), none, "{name}");
    }
    assert_eq!(policies(&asked, &kubernetes()).len(), 2, "asked for");
}

#[test]
fn a_policy_is_about_our_pods_and_about_both_directions() {
    let desired = desired_with(&json!({}), &kind(), &Beside::default());
    for (namespace, selector) in [
        (
            NAMESPACE,
            json!({"matchLabels": {"part-of": "netobserv-operator"}}),
        ),
        (PRIVILEGED, json!({})),
    ] {
        let mut items = desired.items.iter().map(|item| &item.object);
        let policy = items
            .find(|object| {
                let key = object.key();
                key.kind == "NetworkPolicy" && key.namespace.as_deref() == Some(namespace)
            })
            .unwrap();
        let body = policy.body();
        assert_eq!(body["spec"]["podSelector"], selector);
        assert_eq!(body["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
        assert_eq!(
            body["metadata"]["labels"],
            json!({"netobserv-managed": "true"})
        );
    }
}
