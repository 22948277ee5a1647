//! What Kubernetes and the specification know about the two ends of a flow.

use serde_json::{Map, Value, json};

use super::graph::Graph;
use crate::apis::flowcollector::v1beta2::agent::Feature;
use crate::desired::Context;

pub fn add(context: &Context, graph: &mut Graph) {
    let effective = &context.effective;
    let parameters = json!({
        "rules": rules(context),
        "kubeConfig": kubernetes(context),
        "directionInfo": {
            "reporterIPField": "AgentIP",
            "srcHostField": "SrcK8S_HostIP",
            "dstHostField": "DstK8S_HostIP",
            "flowDirectionField": "FlowDirection",
        },
    });
    graph.add("enrich", "transform", "network", parameters);
    let labels = effective.processor.subnet_labels.as_ref();
    let custom = labels
        .and_then(|labels| labels.custom_labels.clone())
        .unwrap_or_default();
    if custom.is_empty() {
        return;
    }
    let rule = |side: &str| {
        json!({"type": "add_subnet_label", "add_subnet_label":
            {"input": format!("{side}Addr"), "output": format!("{side}SubnetLabel")}})
    };
    let parameters = json!({
        "rules": [rule("Src"), rule("Dst")],
        "kubeConfig": {},
        "subnetLabels": custom,
        "directionInfo": {},
    });
    graph.add_dynamic_after(&graph.last(), "subnets", "transform", "network", parameters);
}

fn rules(context: &Context) -> Vec<Value> {
    let effective = &context.effective;
    let mut rules: Vec<Value> = ["Src", "Dst"].map(|side| end(context, side)).to_vec();
    if effective.has_feature(Feature::PacketTranslation) {
        rules.extend(["Src", "Dst"].map(|side| {
            json!({"type": "add_kubernetes", "kubernetes":
                {"ipField": format!("Xlat{side}Addr"), "output": format!("Xlat{side}K8S")}})
        }));
    }
    let named = |side: &str| json!({"namespace": format!("{side}K8S_Namespace"), "name": format!("{side}K8S_Name")});
    let well_known = |name: &str| json!({"namespace": "default", "name": name});
    rules.extend([
        json!({"type": "reinterpret_direction"}),
        json!({"type": "decode_tcp_flags", "decode_tcp_flags": {"input": "Flags", "output": "Flags"}}),
        json!({"type": "add_kubernetes_infra", "kubernetes_infra": {
            "namespaceNameFields": [named("Src"), named("Dst")],
            "output": "K8S_FlowLayer",
            "infra_prefixes": [context.scope.namespace(), "openshift"],
            "infra_refs": [well_known("kubernetes"), well_known("openshift")],
        }}),
    ]);
    rules
}

fn end(context: &Context, side: &str) -> Value {
    let mut rule = json!({
        "ipField": format!("{side}Addr"),
        "macField": format!("{side}Mac"),
        "interfacesField": "Interfaces",
        "udnsField": "Udns",
        "output": format!("{side}K8S"),
    });
    if context.effective.processor.add_zone == Some(true) {
        rule["add_zone"] = true.into();
    }
    json!({"type": "add_kubernetes", "kubernetes": rule})
}

/// Which owners are followed, and by which keys pods on secondary networks are found.
fn kubernetes(context: &Context) -> Value {
    let effective = &context.effective;
    let mut config = json!({"trackedKinds": ["ReplicaSet", "Deployment", "Gateway"]});
    let mut networks: Vec<Value> = effective
        .secondary_indexes()
        .into_iter()
        .map(|index| {
            let keys: Map<String, Value> = index
                .into_iter()
                .map(|key| (key.as_str().to_lowercase(), Value::Null))
                .collect();
            json!({"index": keys})
        })
        .collect();
    if effective.has_feature(Feature::UdnMapping) {
        networks.push(json!({"name": "ovn-kubernetes", "index": {"udn": null}}));
    }
    if !networks.is_empty() {
        config["secondaryNetworks"] = networks.into();
    }
    config
}
