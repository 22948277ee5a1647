//! Names of fields for OpenTelemetry, unless the user gives others.

use super::metrics::Metric;
use crate::apis::flowcollector::v1beta2::exporters::FieldMapping;

/// Fields of each side, behind `Src` and `Dst`, and their names behind `source.` and `destination.`.
const SIDES: [(&str, &str); 13] = [
    ("Addr", "address"),
    ("Mac", "mac"),
    ("Port", "port"),
    ("K8S_Name", "k8s.name"),
    ("K8S_Type", "k8s.kind"),
    ("K8S_OwnerName", "k8s.owner.name"),
    ("K8S_OwnerType", "k8s.owner.kind"),
    ("K8S_Namespace", "k8s.namespace.name"),
    ("K8S_HostIP", "k8s.host.address"),
    ("K8S_HostName", "k8s.host.name"),
    ("K8S_Zone", "zone"),
    ("K8S_NetworkName", "network.name"),
    ("SubnetLabel", "subnet.label"),
];

/// The other fields.
const OTHERS: [(&str, &str); 28] = [
    ("Bytes", "bytes"),
    ("Packets", "packets"),
    ("Proto", "protocol"),
    ("Flags", "tcp.flags"),
    ("TimeFlowRttNs", "tcp.rtt"),
    ("Interfaces", "interface.names"),
    ("IfDirections", "interface.directions"),
    ("IPSecStatus", "ipsec.status"),
    ("FlowDirection", "host.direction"),
    ("DnsErrno", "dns.errno"),
    ("DnsFlags", "dns.flags"),
    ("DnsFlagsResponseCode", "dns.responsecode"),
    ("DnsId", "dns.id"),
    ("DnsLatencyMs", "dns.latency"),
    ("DnsName", "dns.name"),
    ("Dscp", "dscp"),
    ("IcmpCode", "icmp.code"),
    ("IcmpType", "icmp.type"),
    ("K8S_ClusterName", "k8s.cluster.name"),
    ("K8S_FlowLayer", "k8s.layer"),
    ("PktDropBytes", "drops.bytes"),
    ("PktDropPackets", "drops.packets"),
    ("PktDropLatestDropCause", "drops.latestcause"),
    ("PktDropLatestFlags", "drops.latestflags"),
    ("PktDropLatestState", "drops.lateststate"),
    ("TimeFlowEndMs", "timeflowend"),
    ("TimeFlowStartMs", "timeflowstart"),
    ("TimeReceived", "timereceived"),
];

/// Rules that rename every field, sorted by field.
pub fn rules() -> Vec<FieldMapping> {
    let mut pairs: Vec<(String, String)> = OTHERS
        .iter()
        .map(|(field, name)| ((*field).to_owned(), (*name).to_owned()))
        .collect();
    for (side, prefix) in [("Src", "source"), ("Dst", "destination")] {
        pairs.extend(
            SIDES
                .iter()
                .map(|(field, name)| (format!("{side}{field}"), format!("{prefix}.{name}"))),
        );
    }
    pairs.sort();
    pairs
        .into_iter()
        .map(|(input, output)| FieldMapping {
            input: Some(input),
            output: Some(output),
            multiplier: None,
        })
        .collect()
}

/// The metrics on renamed fields. What is remapped or flattened is so before the renaming, so that is left out.
pub fn renamed(metrics: &[Metric]) -> Vec<Metric> {
    let mut metrics = metrics.to_vec();
    for metric in &mut metrics {
        metric.value_key = name(&metric.value_key);
        for label in &mut metric.labels {
            *label = name(label);
        }
        for filter in &mut metric.filters {
            filter.key = name(&filter.key);
        }
        metric.remap = None;
        metric.flatten = None;
    }
    metrics
}

/// A field without another name keeps its own.
fn name(field: &str) -> String {
    if let Some((_, name)) = OTHERS.iter().find(|(other, _)| *other == field) {
        return (*name).to_owned();
    }
    for (side, prefix) in [("Src", "source"), ("Dst", "destination")] {
        let rest = field.strip_prefix(side);
        if let Some((_, name)) = SIDES.iter().find(|(other, _)| Some(*other) == rest) {
            return format!("{prefix}.{name}");
        }
    }
    field.to_owned()
}
