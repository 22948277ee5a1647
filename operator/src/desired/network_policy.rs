//! Network policies: who may reach the components, and whom they may reach. One in each namespace, and with the built-in
//! store one more that lets the console ask agents and pipelines what they lost.
//!
//! Agents are on the nodes' own networks, which policies do not reach. The operator itself is, by default, in the same
//! namespace and selected too: whatever the platform, it must reach the API server and be reached by it.

use core::net::IpAddr;
use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer,
    NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::build::{Labels, metadata, selector, texts};
use super::{Component, Context, Desired};
use crate::apis::flowcollector::v1beta2::DeploymentModel;
use crate::apis::flowcollector::v1beta2::loki::LokiMode;
use crate::cluster::{Facts, NetworkPlugin};
use crate::object::ObjectError;
use crate::scope::{console, label, network_policy as names, store};

/// Port of the operator's webhooks.
const WEBHOOKS: u16 = 9443;
/// Ports of the operator's probes and of its metrics, which ask for a token.
const PROBES: u16 = 8081;
const METRICS: u16 = 8443;
/// Port of the API server's own pods.
const API_SERVER: u16 = 6443;
/// Port of the API server's Service, and of the API servers of many providers.
const API_SERVICE: u16 = 443;
/// Label of every namespace: its name.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";
/// Label of the namespace that stands for nodes, on OpenShift.
const HOST_NETWORK: &str = "policy-group.network.openshift.io/host-network";
/// Namespace that stands for nodes, with OVN-Kubernetes elsewhere.
const OVN_HOST_NETWORK: &str = "ovn-host-network";
/// The plugin of former OpenShift versions, on which these policies do not work.
const WITHOUT_POLICIES: &str = "OpenShiftSDN";

/// Nothing where they are not wanted, or not known to work.
pub fn add(context: &Context, desired: &mut Desired) -> Result<(), ObjectError> {
    let plugin = context.facts.network_plugin.name();
    let is_wanted = context.effective.deploys_network_policy(plugin.is_some());
    if !is_wanted || plugin == Some(WITHOUT_POLICIES) {
        return Ok(());
    }
    let namespace = context.scope.namespace();
    let policies = [
        Some(policy(names::NAME, namespace, main(context))),
        Some(policy(
            names::NAME,
            &context.scope.privileged_namespace(),
            privileged(context),
        )),
        asks_nodes(context).map(|spec| policy(names::CONSOLE_TO_NODES, namespace, spec)),
    ];
    for policy in policies.into_iter().flatten() {
        desired.add(context, Component::NetworkPolicy, policy)?;
    }
    Ok(())
}

fn policy(name: &str, namespace: &str, spec: NetworkPolicySpec) -> NetworkPolicy {
    NetworkPolicy {
        metadata: metadata(name, Some(namespace), Labels::new()),
        spec: Some(spec),
    }
}

fn main(context: &Context) -> NetworkPolicySpec {
    let effective = context.effective;
    let is_openshift = context.facts.is_openshift();
    let flows = Some(effective.processor_port())
        .filter(|_| effective.deployment_model == DeploymentModel::Service);
    let mut ingress = vec![from(same_namespace(), &[])];
    let mut egress = vec![to(vec![same_namespace()], &[])];
    if is_openshift {
        if effective.has_console() && context.facts.has_console_plugins() {
            let peer = labelled_namespace(NAMESPACE_NAME, "openshift-console");
            ingress.push(from(peer, &[effective.console_port()]));
        }
        let ports: Vec<u16> = [WEBHOOKS].into_iter().chain(flows).collect();
        ingress.push(from(labelled_namespace(HOST_NETWORK, ""), &ports));
        let servers = ["openshift-apiserver", "openshift-kube-apiserver"].map(str::to_owned);
        egress.push(to(vec![namespaces(&servers)], &[API_SERVER]));
        let servers = addresses(&context.facts.api_server_addresses);
        // A rule without peers would allow all.
        if !servers.is_empty() {
            let ports = &context.facts.api_server_ports;
            let known = !ports.is_empty();
            egress.push(to(servers, if known { ports } else { &[API_SERVER] }));
        }
    } else {
        // From where the API server and the kubelet come is not known here.
        let mut from_nodes = vec![PROBES, METRICS, WEBHOOKS];
        match flows {
            Some(port) if context.facts.network_plugin == NetworkPlugin::OvnKubernetes => {
                let peer = labelled_namespace(NAMESPACE_NAME, OVN_HOST_NETWORK);
                ingress.push(from(peer, &[port]));
            }
            // Agents have the addresses of their nodes, which no selector of other plugins means.
            flows => from_nodes.extend(flows),
        }
        // So have pipelines in the Direct model; the store asks for their certificate.
        let writes = effective.uses_embedded_store() && context.has_host_network();
        from_nodes.extend(writes.then_some(store::PORT));
        ingress.push(from_any(&from_nodes));
        egress.push(to_api_servers(context.facts));
    }
    let loki = loki_namespace(context);
    let more = effective.network_policy.additional_namespaces.clone();
    let more = more.unwrap_or_default();
    let list = |own: &[&str]| -> Vec<String> {
        let own = own.iter().map(|name| (*name).to_owned());
        loki.iter()
            .cloned()
            .chain(own)
            .chain(more.clone())
            .collect()
    };
    let monitoring = monitoring(context);
    let incoming = list(&monitoring.map_or(vec![], |namespace| vec![namespace]));
    if !incoming.is_empty() {
        ingress.push(from(namespaces(&incoming), &[]));
    }
    let outgoing = if is_openshift {
        list(&["openshift-dns", "openshift-monitoring"])
    } else {
        list(&["kube-system"])
    };
    egress.push(to(vec![namespaces(&outgoing)], &[]));
    NetworkPolicySpec {
        pod_selector: Some(LabelSelector {
            match_labels: Some(texts([(label::PART_OF, label::PART_OF_VALUE)])),
            ..LabelSelector::default()
        }),
        ingress: Some(ingress),
        egress: Some(egress),
        policy_types: Some(both()),
    }
}

fn privileged(context: &Context) -> NetworkPolicySpec {
    let monitoring = monitoring(context);
    let ingress = monitoring.map(|namespace| vec![from(namespaces(&[namespace.to_owned()]), &[])]);
    NetworkPolicySpec {
        pod_selector: Some(LabelSelector::default()),
        ingress,
        egress: None,
        policy_types: Some(both()),
    }
}

/// With the store, the console reads loss counters at the addresses of the nodes: of the agents, and of pipelines on the
/// nodes' own network.
fn asks_nodes(context: &Context) -> Option<NetworkPolicySpec> {
    let effective = context.effective;
    let of_agents = effective
        .has_agent_metrics()
        .then(|| effective.agent_metrics_port());
    let of_pipelines = context
        .has_host_network()
        .then(|| effective.processor_metrics_port());
    let ports: Vec<u16> = of_agents.into_iter().chain(of_pipelines).collect();
    let reads = effective.uses_embedded_store() && !ports.is_empty();
    reads.then(|| NetworkPolicySpec {
        pod_selector: Some(selector(console::NAME)),
        ingress: None,
        egress: Some(vec![to(Vec::new(), &ports)]),
        policy_types: Some(vec!["Egress".to_owned()]),
    })
}

/// Where OpenShift's Prometheus is that scrapes us.
fn monitoring(context: &Context) -> Option<&'static str> {
    let namespace = if context.is_downstream {
        "openshift-monitoring"
    } else {
        "openshift-user-workload-monitoring"
    };
    context.facts.is_openshift().then_some(namespace)
}

/// Where the LokiStack is, if that is somewhere else.
fn loki_namespace(context: &Context) -> Option<String> {
    let effective = context.effective;
    if !effective.uses_loki() || effective.loki.mode != LokiMode::LokiStack {
        return None;
    }
    let stack = effective.loki.loki_stack.as_ref()?;
    stack
        .namespace
        .clone()
        .filter(|namespace| !namespace.is_empty() && namespace != context.scope.namespace())
}

fn both() -> Vec<String> {
    ["Ingress", "Egress"].map(str::to_owned).to_vec()
}

fn same_namespace() -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        pod_selector: Some(LabelSelector::default()),
        ..NetworkPolicyPeer::default()
    }
}

fn labelled_namespace(label: &str, value: &str) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        namespace_selector: Some(LabelSelector {
            match_labels: Some(BTreeMap::from([(label.to_owned(), value.to_owned())])),
            ..LabelSelector::default()
        }),
        ..NetworkPolicyPeer::default()
    }
}

fn namespaces(names: &[String]) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        namespace_selector: Some(LabelSelector {
            match_expressions: Some(vec![LabelSelectorRequirement {
                key: NAMESPACE_NAME.to_owned(),
                operator: "In".to_owned(),
                values: Some(names.to_vec()),
            }]),
            ..LabelSelector::default()
        }),
        pod_selector: Some(LabelSelector::default()),
        ..NetworkPolicyPeer::default()
    }
}

/// Each address alone; what is no address is left out.
fn addresses(texts: &[String]) -> Vec<NetworkPolicyPeer> {
    let addresses = texts.iter().filter_map(|text| text.parse::<IpAddr>().ok());
    addresses
        .map(|address| NetworkPolicyPeer {
            ip_block: Some(IPBlock {
                cidr: format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 }),
                except: None,
            }),
            ..NetworkPolicyPeer::default()
        })
        .collect()
}

fn from(peer: NetworkPolicyPeer, ports: &[u16]) -> NetworkPolicyIngressRule {
    NetworkPolicyIngressRule {
        from: Some(vec![peer]),
        ports: tcp(ports),
    }
}

/// From anywhere, to those ports only.
fn from_any(ports: &[u16]) -> NetworkPolicyIngressRule {
    NetworkPolicyIngressRule {
        from: None,
        ports: tcp(ports),
    }
}

/// To the ports of the API servers, anywhere. By address the rule would shut the manager out when they move, and nobody
/// else could mend it; and some plugins count them as no address at all.
fn to_api_servers(facts: &Facts) -> NetworkPolicyEgressRule {
    let usual = [API_SERVICE, API_SERVER];
    let ports = facts.api_server_ports.iter();
    let others = ports.filter(|port| !usual.contains(port));
    let ports: Vec<u16> = usual.iter().chain(others).copied().collect();
    to(Vec::new(), &ports)
}

fn to(peers: Vec<NetworkPolicyPeer>, ports: &[u16]) -> NetworkPolicyEgressRule {
    NetworkPolicyEgressRule {
        to: (!peers.is_empty()).then_some(peers),
        ports: tcp(ports),
    }
}

/// No ports means all.
fn tcp(ports: &[u16]) -> Option<Vec<NetworkPolicyPort>> {
    let ports = ports.iter().map(|port| NetworkPolicyPort {
        port: Some(IntOrString::Int((*port).into())),
        protocol: Some("TCP".to_owned()),
        end_port: None,
    });
    let ports: Vec<_> = ports.collect();
    (!ports.is_empty()).then_some(ports)
}
