//! Capabilities that the console shows or leaves out.

use serde::{Deserialize, Serialize};

use crate::apis::flowcollector::v1beta2::agent::Feature as Agent;
use crate::effective::Effective;

/// One capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Feature {
    PktDrop,
    DnsTracking,
    #[serde(rename = "flowRTT")]
    FlowRtt,
    NetworkEvents,
    PacketTranslation,
    UdnMapping,
    MultiNetworks,
    Ipsec,
    TlsTracking,
    MultiCluster,
    Zones,
    SubnetLabels,
}

/// Those that are on, in the order of NetObserv.
pub fn of(effective: &Effective) -> Vec<Feature> {
    let processor = &effective.processor;
    let has = |feature| effective.has_feature(feature);
    let features = [
        (
            Feature::PktDrop,
            effective.has_packet_drop() || has(Agent::NetworkEvents),
        ),
        (Feature::DnsTracking, has(Agent::DnsTracking)),
        (Feature::FlowRtt, has(Agent::FlowRtt)),
        (Feature::NetworkEvents, has(Agent::NetworkEvents)),
        (Feature::PacketTranslation, has(Agent::PacketTranslation)),
        (Feature::UdnMapping, has(Agent::UdnMapping)),
        (
            Feature::MultiNetworks,
            has(Agent::UdnMapping) || !effective.secondary_indexes().is_empty(),
        ),
        (Feature::Ipsec, has(Agent::IpSec)),
        (Feature::TlsTracking, has(Agent::TlsTracking)),
        (
            Feature::MultiCluster,
            processor.multi_cluster_deployment == Some(true),
        ),
        (Feature::Zones, processor.add_zone == Some(true)),
        (Feature::SubnetLabels, effective.has_subnet_labels()),
    ];
    features
        .into_iter()
        .filter_map(|(feature, is_on)| is_on.then_some(feature))
        .collect()
}
