//! The fields of a flow that a metric may use: what they hold, and how many series they make as a label.

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    Number,
    Text,
    List,
}

/// How many series a label makes, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cardinality {
    /// A value per flow or address.
    Avoid,
    /// Not known.
    Unknown,
    /// Many values in large clusters.
    Careful,
    /// Few values.
    Fine,
}

impl Cardinality {
    /// Every level, worst first.
    pub const ALL: [Self; 4] = [Self::Avoid, Self::Unknown, Self::Careful, Self::Fine];

    /// As it is written in conditions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Avoid => "avoid",
            Self::Unknown => "unknown",
            Self::Careful => "careful",
            Self::Fine => "fine",
        }
    }
}

use Cardinality::{Avoid, Careful, Fine};
use FieldKind::{List, Number, Text};

/// Fields in the order of the console; then those that only the pipeline's dictionary has.
const FIELDS: [(&str, FieldKind, Cardinality); 105] = [
    ("TimeFlowStartMs", Number, Avoid),
    ("TimeFlowEndMs", Number, Avoid),
    ("TimeReceived", Number, Avoid),
    ("SrcK8S_Name", Text, Careful),
    ("SrcK8S_Type", Text, Fine),
    ("SrcK8S_OwnerName", Text, Fine),
    ("SrcK8S_OwnerType", Text, Fine),
    ("SrcK8S_Namespace", Text, Fine),
    ("SrcAddr", Text, Avoid),
    ("SrcPort", Number, Careful),
    ("SrcMac", Text, Avoid),
    ("SrcK8S_HostIP", Text, Fine),
    ("SrcK8S_HostName", Text, Fine),
    ("SrcK8S_Zone", Text, Fine),
    ("SrcSubnetLabel", Text, Fine),
    ("SrcK8S_NetworkName", Text, Fine),
    ("DstK8S_Name", Text, Careful),
    ("DstK8S_Type", Text, Fine),
    ("DstK8S_OwnerName", Text, Fine),
    ("DstK8S_OwnerType", Text, Fine),
    ("DstK8S_Namespace", Text, Fine),
    ("DstAddr", Text, Avoid),
    ("DstPort", Number, Careful),
    ("DstMac", Text, Avoid),
    ("DstK8S_HostIP", Text, Fine),
    ("DstK8S_HostName", Text, Fine),
    ("DstK8S_Zone", Text, Fine),
    ("DstSubnetLabel", Text, Fine),
    ("DstK8S_NetworkName", Text, Fine),
    ("K8S_FlowLayer", Text, Fine),
    ("Proto", Number, Fine),
    ("TLSVersion", Text, Fine),
    ("TLSTypes", List, Fine),
    ("TLSCipherSuite", Text, Fine),
    ("TLSCurve", Text, Fine),
    ("Dscp", Number, Fine),
    ("Sampling", Number, Fine),
    ("IcmpType", Number, Fine),
    ("IcmpCode", Number, Fine),
    ("FlowDirection", Number, Fine),
    ("IfDirections", List, Fine),
    ("Interfaces", List, Careful),
    ("Udns", List, Careful),
    ("Flags", List, Careful),
    ("Bytes", Number, Avoid),
    ("Packets", Number, Avoid),
    ("PktDropBytes", Number, Avoid),
    ("PktDropPackets", Number, Avoid),
    ("PktDropLatestState", Text, Fine),
    ("PktDropLatestDropCause", Text, Fine),
    ("PktDropLatestFlags", Number, Fine),
    ("DnsId", Number, Avoid),
    ("DnsName", Text, Careful),
    ("DnsLatencyMs", Number, Avoid),
    ("DnsFlags", Number, Fine),
    ("DnsFlagsResponseCode", Text, Fine),
    ("DnsErrno", Number, Fine),
    ("TimeFlowRttNs", Number, Avoid),
    ("NetworkEvents", List, Avoid),
    ("ZoneId", Number, Avoid),
    ("XlatSrcPort", Number, Careful),
    ("XlatDstPort", Number, Careful),
    ("XlatSrcAddr", Text, Avoid),
    ("XlatDstAddr", Text, Avoid),
    ("K8S_ClusterName", Text, Fine),
    ("IPSecStatus", Text, Fine),
    ("_RecordType", Text, Fine),
    ("_HashId", Text, Avoid),
    ("UdnId", Text, Careful),
    ("TLSGroup", Text, Fine),
    ("Etype", Number, Fine),
    ("AgentIP", Text, Fine),
    ("XlatSrcK8S_Name", Text, Careful),
    ("XlatSrcK8S_Type", Text, Fine),
    ("XlatSrcK8S_Namespace", Text, Fine),
    ("XlatSrcK8S_OwnerName", Text, Fine),
    ("XlatSrcK8S_OwnerType", Text, Fine),
    ("XlatSrcK8S_HostIP", Text, Fine),
    ("XlatSrcK8S_HostName", Text, Fine),
    ("XlatSrcK8S_Zone", Text, Fine),
    ("XlatSrcK8S_NetworkName", Text, Fine),
    ("XlatDstK8S_Name", Text, Careful),
    ("XlatDstK8S_Type", Text, Fine),
    ("XlatDstK8S_Namespace", Text, Fine),
    ("XlatDstK8S_OwnerName", Text, Fine),
    ("XlatDstK8S_OwnerType", Text, Fine),
    ("XlatDstK8S_HostIP", Text, Fine),
    ("XlatDstK8S_HostName", Text, Fine),
    ("XlatDstK8S_Zone", Text, Fine),
    ("XlatDstK8S_NetworkName", Text, Fine),
    ("IPSecRetCode", Number, Fine),
    ("QuicVersion", Text, Fine),
    ("QuicSeenLongHdr", Number, Fine),
    ("QuicSeenShortHdr", Number, Fine),
    ("_IsFirst", Text, Fine),
    ("numFlowLogs", Number, Avoid),
    ("Bytes_AB", Number, Avoid),
    ("Bytes_BA", Number, Avoid),
    ("Packets_AB", Number, Avoid),
    ("Packets_BA", Number, Avoid),
    ("PktDropBytes_AB", Number, Avoid),
    ("PktDropBytes_BA", Number, Avoid),
    ("PktDropPackets_AB", Number, Avoid),
    ("PktDropPackets_BA", Number, Avoid),
    ("MaxTimeFlowRttNs", Number, Avoid),
];

/// Keys inside of list fields.
const NESTED: [(&str, Cardinality); 6] = [
    ("NetworkEvents>Feature", Fine),
    ("NetworkEvents>Type", Fine),
    ("NetworkEvents>Namespace", Fine),
    ("NetworkEvents>Name", Fine),
    ("NetworkEvents>Action", Fine),
    ("NetworkEvents>Direction", Fine),
];

/// What a field holds, by its name or the name of a key inside of it (`Field>key`); none if there is no such field.
pub fn kind(name: &str) -> Option<FieldKind> {
    let field = name.split('>').next().unwrap_or_default();
    let known = FIELDS.iter().find(|(name, _, _)| *name == field);
    known.map(|(_, kind, _)| *kind)
}

/// How many series a label makes; the whole name counts.
pub fn cardinality(label: &str) -> Cardinality {
    let field = FIELDS
        .iter()
        .find(|(name, _, _)| *name == label)
        .map(|(_, _, level)| *level);
    let nested = || {
        NESTED
            .iter()
            .find(|(name, _)| *name == label)
            .map(|(_, level)| *level)
    };
    field.or_else(nested).unwrap_or(Cardinality::Unknown)
}
