//! `spec.agent.ebpf.flowFilter`: rules applied in the kernel.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::shared::Int;
use crate::apis::text_enum::text_enum;

text_enum! {
    /// What happens to a flow that matches.
    pub enum FilterAction {
        Accept = "Accept",
        Reject = "Reject",
    }
}

text_enum! {
    /// Direction seen from the interface.
    pub enum FilterDirection {
        Ingress = "Ingress",
        Egress = "Egress",
    }
}

text_enum! {
    /// Protocol above IP.
    pub enum FilterProtocol {
        Tcp = "TCP",
        Udp = "UDP",
        Icmp = "ICMP",
        IcmpV6 = "ICMPv6",
        Sctp = "SCTP",
    }
}

text_enum! {
    /// TCP flag, or two of them in one packet.
    pub enum TcpFlags {
        Syn = "SYN",
        SynAck = "SYN-ACK",
        Ack = "ACK",
        Fin = "FIN",
        Rst = "RST",
        Urg = "URG",
        Ece = "ECE",
        Cwr = "CWR",
        FinAck = "FIN-ACK",
        RstAck = "RST-ACK",
    }
}

/// Filter of the agents. The rule written beside `enable` is deprecated, and used only while `rules` is empty.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowFilter {
    /// Filters only if true.
    pub enable: Option<bool>,
    /// Rules; the one with the longest matching address prefix decides. Up to 16.
    #[schemars(length(min = 1, max = 16))]
    pub rules: Option<Vec<FlowFilterRule>>,
    /// The deprecated single rule.
    #[serde(flatten)]
    pub inline: FlowFilterRule,
}

/// One rule: a flow matches if every field set here matches.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowFilterRule {
    /// Addresses of this side, such as `10.0.0.0/8`. Use `0.0.0.0/0` or `::/0` for all.
    pub cidr: Option<String>,
    /// Keep the flow (`Accept`) or drop it (`Reject`). Absent: `Accept`.
    pub action: Option<FilterAction>,
    /// Protocol: `TCP`, `UDP`, `ICMP`, `ICMPv6` or `SCTP`. Absent: any.
    pub protocol: Option<FilterProtocol>,
    /// Direction: `Ingress` or `Egress`. Absent: both.
    pub direction: Option<FilterDirection>,
    /// TCP flag or pair of flags the packet carries. Absent: any.
    pub tcp_flags: Option<TcpFlags>,
    /// Source ports: a port (`80`), a range (`"80-90"`) or two ports (`"80,443"`). Not together with `ports`.
    pub source_ports: Option<IntOrString>,
    /// Destination ports: a port (`80`), a range (`"80-90"`) or two ports (`"80,443"`). Not together with `ports`.
    pub dest_ports: Option<IntOrString>,
    /// Ports of either side: a port (`80`), a range (`"80-90"`) or two ports (`"80,443"`).
    pub ports: Option<IntOrString>,
    /// Address of the other side. Absent: any.
    #[serde(rename = "peerIP")]
    pub peer_ip: Option<String>,
    /// Addresses of the other side, such as `10.0.0.0/8`. Absent: any.
    #[serde(rename = "peerCIDR")]
    pub peer_cidr: Option<String>,
    /// ICMP code; 0 counts as absent.
    pub icmp_code: Option<Int>,
    /// ICMP type; 0 counts as absent.
    pub icmp_type: Option<Int>,
    /// Only flows with dropped packets; needs the feature `PacketDrop`. Absent: false.
    pub pkt_drops: Option<bool>,
    /// Looks at one matching packet out of this many, in place of `spec.agent.ebpf.sampling`.
    pub sampling: Option<i32>,
}
