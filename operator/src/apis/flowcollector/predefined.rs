//! The predefined metrics and the tags by which `v1beta1` left some of them out.

/// Tag of a group and the beginning of its metrics' names.
const GROUPS: [(&str, &str); 3] = [
    ("nodes", "node"),
    ("namespaces", "namespace"),
    ("workloads", "workload"),
];

/// Metrics of each group, in the order they are defined: rest of the name and tags; `{g}` is the group's tag.
/// Each inner list goes through all groups before the next one.
const METRICS: [&[(&str, &[&str])]; 3] = [
    &[
        ("egress_bytes_total", &["bytes", "egress"]),
        ("ingress_bytes_total", &["bytes", "ingress"]),
        ("egress_packets_total", &["packets", "egress"]),
        ("ingress_packets_total", &["packets", "ingress"]),
        ("sampling", &["sampling"]),
        ("flows_total", &["{g}-flows", "flows"]),
    ],
    &[("rtt_seconds", &["rtt"])],
    &[
        ("drop_packets_total", &["packets", "drops"]),
        ("drop_bytes_total", &["bytes", "drop"]),
        ("dns_latency_seconds", &["dns"]),
        ("network_policy_events_total", &["network-policy"]),
        ("ipsec_flows_total", &["ipsec"]),
    ],
];

/// All of them, in the order they are defined.
pub fn names() -> Vec<String> {
    without_tags(&[])
}

/// The metrics that carry none of these tags, in the order they are defined.
pub fn without_tags(ignored: &[&str]) -> Vec<String> {
    let mut names = Vec::new();
    for metrics in METRICS {
        for (group, prefix) in GROUPS {
            for (name, tags) in metrics {
                let is_ignored = ignored.contains(&group)
                    || tags
                        .iter()
                        .any(|tag| ignored.contains(&tag.replace("{g}", group).as_str()));
                if !is_ignored {
                    names.push(format!("{prefix}_{name}"));
                }
            }
        }
    }
    if !["nodes", "ipsec"].iter().any(|tag| ignored.contains(tag)) {
        names.push("node_to_node_ingress_flows_total".to_owned());
    }
    names
}
