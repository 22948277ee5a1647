//! What Kubernetes and the specification know about the two ends of a flow.

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde::Serialize;
use serde_with::skip_serializing_none;

use super::graph::Graph;
use super::stage::Settings;
use crate::apis::flowcollector::v1beta2::agent::Feature;
use crate::apis::flowcollector::v1beta2::processor::SubnetLabel;
use crate::desired::Context;

/// The two sides of a flow, as the names of its fields begin.
const SIDES: [&str; 2] = ["Src", "Dst"];
/// Kinds that own pods and are looked up.
const TRACKED_KINDS: [&str; 3] = ["ReplicaSet", "Deployment", "Gateway"];

/// Settings of a stage that adds what is known of addresses. Objects without a key are written all the same.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    rules: Vec<Rule>,
    kube_config: KubeConfig,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subnet_labels: Vec<SubnetLabel>,
    direction_info: DirectionInfo,
}

/// One rule: its name, and the object that belongs to it.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Rule {
    AddKubernetes { kubernetes: End },
    ReinterpretDirection,
    DecodeTcpFlags { decode_tcp_flags: InputOutput },
    AddKubernetesInfra { kubernetes_infra: Infra },
    AddSubnetLabel { add_subnet_label: InputOutput },
}

/// How one end is found in Kubernetes, and the beginning of the fields that are written.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct End {
    ip_field: String,
    interfaces_field: Option<&'static str>,
    udns_field: Option<&'static str>,
    mac_field: Option<String>,
    output: String,
    #[serde(rename = "add_zone")]
    add_zone: Option<bool>,
}

#[derive(Debug, Serialize)]
struct InputOutput {
    input: String,
    output: String,
}

/// What makes a flow one of the infrastructure.
#[derive(Debug, Serialize)]
struct Infra {
    #[serde(rename = "namespaceNameFields")]
    namespace_name_fields: [NamespacedName; 2],
    output: &'static str,
    #[serde(rename = "infra_prefixes")]
    prefixes: [String; 2],
    #[serde(rename = "infra_refs")]
    refs: [NamespacedName; 2],
}

#[derive(Debug, Serialize)]
struct NamespacedName {
    name: String,
    namespace: String,
}

/// Which owners are followed, and by which keys pods on secondary networks are found.
#[skip_serializing_none]
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct KubeConfig {
    secondary_networks: Option<Vec<SecondaryNetwork>>,
    tracked_kinds: Option<[&'static str; 3]>,
}

/// The keys of the index have no value.
#[derive(Debug, Serialize)]
struct SecondaryNetwork {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    index: BTreeMap<String, Option<String>>,
}

/// Fields that the direction of a flow is told from.
#[skip_serializing_none]
#[derive(Debug, Default, Serialize)]
struct DirectionInfo {
    #[serde(rename = "reporterIPField")]
    reporter: Option<&'static str>,
    #[serde(rename = "srcHostField")]
    src_host: Option<&'static str>,
    #[serde(rename = "dstHostField")]
    dst_host: Option<&'static str>,
    #[serde(rename = "flowDirectionField")]
    direction: Option<&'static str>,
}

pub fn add(context: &Context, graph: &mut Graph) {
    let enrich = Network {
        rules: rules(context),
        kube_config: kubernetes(context),
        subnet_labels: Vec::new(),
        direction_info: DirectionInfo {
            reporter: Some("AgentIP"),
            src_host: Some("SrcK8S_HostIP"),
            dst_host: Some("DstK8S_HostIP"),
            direction: Some("FlowDirection"),
        },
    };
    graph.add("enrich", Settings::TransformNetwork(enrich));
    let subnet_labels = subnet_labels(context);
    if subnet_labels.is_empty() {
        return;
    }
    let rule = |side| Rule::AddSubnetLabel {
        add_subnet_label: InputOutput {
            input: format!("{side}Addr"),
            output: format!("{side}SubnetLabel"),
        },
    };
    let subnets = Network {
        rules: SIDES.map(rule).into(),
        subnet_labels,
        ..Network::default()
    };
    let subnets = Settings::TransformNetwork(subnets);
    graph.add_dynamic_after(&graph.last(), "subnets", subnets);
}

/// The first that holds an address wins: the administrator's own, then those of slices, then the cluster's.
fn subnet_labels(context: &Context) -> Vec<SubnetLabel> {
    let given = context.effective.processor.subnet_labels.as_ref();
    let custom = given.and_then(|labels| labels.custom_labels.clone());
    let mut labels = custom.unwrap_or_default();
    for label in &mut labels {
        // Admission refuses others; one that was stored before must not stop the pipeline.
        label.cidrs.retain(|range| range.parse::<IpNet>().is_ok());
    }
    labels.retain(|label| !label.cidrs.is_empty());
    labels.extend(context.slices().labels.iter().cloned());
    if context.effective.detects_subnets() {
        labels.extend(context.facts.subnets.labels.iter().cloned());
    }
    labels
}

fn rules(context: &Context) -> Vec<Rule> {
    let effective = context.effective;
    let mut rules = SIDES.map(|side| end(context, side)).to_vec();
    if effective.has_feature(Feature::PacketTranslation) {
        rules.extend(SIDES.map(|side| End {
            ip_field: format!("Xlat{side}Addr"),
            output: format!("Xlat{side}K8S"),
            ..End::default()
        }));
    }
    let mut rules: Vec<Rule> = rules
        .into_iter()
        .map(|kubernetes| Rule::AddKubernetes { kubernetes })
        .collect();
    let named = |side| NamespacedName {
        name: format!("{side}K8S_Name"),
        namespace: format!("{side}K8S_Namespace"),
    };
    let well_known = |name: &str| NamespacedName {
        name: name.to_owned(),
        namespace: "default".to_owned(),
    };
    let flags = || "Flags".to_owned();
    rules.extend([
        Rule::ReinterpretDirection,
        Rule::DecodeTcpFlags {
            decode_tcp_flags: InputOutput {
                input: flags(),
                output: flags(),
            },
        },
        Rule::AddKubernetesInfra {
            kubernetes_infra: Infra {
                namespace_name_fields: SIDES.map(named),
                output: "K8S_FlowLayer",
                prefixes: [context.scope.namespace(), "openshift"].map(str::to_owned),
                refs: ["kubernetes", "openshift"].map(well_known),
            },
        },
    ]);
    rules
}

fn end(context: &Context, side: &str) -> End {
    End {
        ip_field: format!("{side}Addr"),
        interfaces_field: Some("Interfaces"),
        udns_field: Some("Udns"),
        mac_field: Some(format!("{side}Mac")),
        output: format!("{side}K8S"),
        add_zone: context.effective.processor.add_zone.filter(|is_on| *is_on),
    }
}

fn kubernetes(context: &Context) -> KubeConfig {
    let effective = context.effective;
    let mut networks: Vec<SecondaryNetwork> = effective
        .secondary_indexes()
        .into_iter()
        .map(|index| SecondaryNetwork {
            name: None,
            index: index
                .into_iter()
                .map(|key| (key.as_str().to_lowercase(), None))
                .collect(),
        })
        .collect();
    if effective.has_feature(Feature::UdnMapping) {
        networks.push(SecondaryNetwork {
            name: Some("ovn-kubernetes"),
            index: BTreeMap::from([("udn".to_owned(), None)]),
        });
    }
    KubeConfig {
        secondary_networks: Some(networks).filter(|networks| !networks.is_empty()),
        tracked_kinds: Some(TRACKED_KINDS),
    }
}
