//! Names of numbers: DNS codes, TCP states, causes of drops, TLS and QUIC.
//!
//! **Invariant:** a number without a name still gets a text, never an error.

use std::sync::Arc;

use crate::model::{BitTable, Text};

/// The kernel's own causes, from number 2 on.
const CORE_DROP_CAUSES: [&str; 79] = [
    "SKB_DROP_REASON_NOT_SPECIFIED",
    "SKB_DROP_REASON_NO_SOCKET",
    "SKB_DROP_REASON_PKT_TOO_SMALL",
    "SKB_DROP_REASON_TCP_CSUM",
    "SKB_DROP_REASON_SOCKET_FILTER",
    "SKB_DROP_REASON_UDP_CSUM",
    "SKB_DROP_REASON_NETFILTER_DROP",
    "SKB_DROP_REASON_OTHERHOST",
    "SKB_DROP_REASON_IP_CSUM",
    "SKB_DROP_REASON_IP_INHDR",
    "SKB_DROP_REASON_IP_RPFILTER",
    "SKB_DROP_REASON_UNICAST_IN_L2_MULTICAST",
    "SKB_DROP_REASON_XFRM_POLICY",
    "SKB_DROP_REASON_IP_NOPROTO",
    "SKB_DROP_REASON_SOCKET_RCVBUFF",
    "SKB_DROP_REASON_PROTO_MEM",
    "SKB_DROP_REASON_TCP_MD5NOTFOUND",
    "SKB_DROP_REASON_TCP_MD5UNEXPECTED",
    "SKB_DROP_REASON_TCP_MD5FAILURE",
    "SKB_DROP_REASON_SOCKET_BACKLOG",
    "SKB_DROP_REASON_TCP_FLAGS",
    "SKB_DROP_REASON_TCP_ZEROWINDOW",
    "SKB_DROP_REASON_TCP_OLD_DATA",
    "SKB_DROP_REASON_TCP_OVERWINDOW",
    "SKB_DROP_REASON_TCP_OFOMERGE",
    "SKB_DROP_REASON_TCP_RFC7323_PAWS",
    "SKB_DROP_REASON_TCP_INVALID_SEQUENCE",
    "SKB_DROP_REASON_TCP_RESET",
    "SKB_DROP_REASON_TCP_INVALID_SYN",
    "SKB_DROP_REASON_TCP_CLOSE",
    "SKB_DROP_REASON_TCP_FASTOPEN",
    "SKB_DROP_REASON_TCP_OLD_ACK",
    "SKB_DROP_REASON_TCP_TOO_OLD_ACK",
    "SKB_DROP_REASON_TCP_ACK_UNSENT_DATA",
    "SKB_DROP_REASON_TCP_OFO_QUEUE_PRUNE",
    "SKB_DROP_REASON_TCP_OFO_DROP",
    "SKB_DROP_REASON_IP_OUTNOROUTES",
    "SKB_DROP_REASON_BPF_CGROUP_EGRESS",
    "SKB_DROP_REASON_IPV6DISABLED",
    "SKB_DROP_REASON_NEIGH_CREATEFAIL",
    "SKB_DROP_REASON_NEIGH_FAILED",
    "SKB_DROP_REASON_NEIGH_QUEUEFULL",
    "SKB_DROP_REASON_NEIGH_DEAD",
    "SKB_DROP_REASON_TC_EGRESS",
    "SKB_DROP_REASON_QDISC_DROP",
    "SKB_DROP_REASON_CPU_BACKLOG",
    "SKB_DROP_REASON_XDP",
    "SKB_DROP_REASON_TC_INGRESS",
    "SKB_DROP_REASON_UNHANDLED_PROTO",
    "SKB_DROP_REASON_SKB_CSUM",
    "SKB_DROP_REASON_SKB_GSO_SEG",
    "SKB_DROP_REASON_SKB_UCOPY_FAULT",
    "SKB_DROP_REASON_DEV_HDR",
    "SKB_DROP_REASON_DEV_READY",
    "SKB_DROP_REASON_FULL_RING",
    "SKB_DROP_REASON_NOMEM",
    "SKB_DROP_REASON_HDR_TRUNC",
    "SKB_DROP_REASON_TAP_FILTER",
    "SKB_DROP_REASON_TAP_TXFILTER",
    "SKB_DROP_REASON_ICMP_CSUM",
    "SKB_DROP_REASON_INVALID_PROTO",
    "SKB_DROP_REASON_IP_INADDRERRORS",
    "SKB_DROP_REASON_IP_INNOROUTES",
    "SKB_DROP_REASON_PKT_TOO_BIG",
    "SKB_DROP_REASON_DUP_FRAG",
    "SKB_DROP_REASON_FRAG_REASM_TIMEOUT",
    "SKB_DROP_REASON_FRAG_TOO_FAR",
    "SKB_DROP_REASON_TCP_MINTTL",
    "SKB_DROP_REASON_IPV6_BAD_EXTHDR",
    "SKB_DROP_REASON_IPV6_NDISC_FRAG",
    "SKB_DROP_REASON_IPV6_NDISC_HOP_LIMIT",
    "SKB_DROP_REASON_IPV6_NDISC_BAD_CODE",
    "SKB_DROP_REASON_IPV6_NDISC_BAD_OPTIONS",
    "SKB_DROP_REASON_IPV6_NDISC_NS_OTHERHOST",
    "SKB_DROP_REASON_QUEUE_PURGE",
    "SKB_DROP_REASON_TC_COOKIE_ERROR",
    "SKB_DROP_REASON_PACKET_SOCK_ERROR",
    "SKB_DROP_REASON_TC_CHAIN_NOTFOUND",
    "SKB_DROP_REASON_TC_RECLASSIFY_LOOP",
];

/// Open vSwitch's causes, from number 0x30001 on.
const OVS_DROP_CAUSES: [&str; 11] = [
    "OVS_DROP_LAST_ACTION",
    "OVS_DROP_ACTION_ERROR",
    "OVS_DROP_EXPLICIT",
    "OVS_DROP_EXPLICIT_WITH_ERROR",
    "OVS_DROP_METER",
    "OVS_DROP_RECURSION_LIMIT",
    "OVS_DROP_DEFERRED_LIMIT",
    "OVS_DROP_FRAG_L2_TOO_LONG",
    "OVS_DROP_FRAG_INVALID_PROTO",
    "OVS_DROP_CONNTRACK",
    "OVS_DROP_IP_TTL",
];

/// Network policy causes, from number 0x1000000 on.
const NETWORK_EVENT_CAUSES: [&str; 10] = [
    "NetworkEvent_Unknown",
    "NetworkEvent_EgressFirewall",
    "NetworkEvent_AdminNetworkPolicy",
    "NetworkEvent_BaselineAdminNetworkPolicy",
    "NetworkEvent_NetworkPolicy",
    "NetworkEvent_MulticastNS",
    "NetworkEvent_MulticastCluster",
    "NetworkEvent_NetpolNode",
    "NetworkEvent_NetpolNamespace",
    "NetworkEvent_UDNIsolation",
];

/// The kernel's or another subsystem's reason for a drop.
pub fn drop_cause(cause: u32) -> Text {
    let (table, first): (&[&'static str], u32) = match cause >> 16 {
        0 => (&CORE_DROP_CAUSES, 2),
        0x3 => (&OVS_DROP_CAUSES, 0x3_0001),
        0x100 => (&NETWORK_EVENT_CAUSES, 0x100_0000),
        _ => (&[], 0),
    };
    let name = cause
        .checked_sub(first)
        .and_then(|place| table.get(place as usize));
    Text::Static(name.copied().unwrap_or("SKB_DROP_UNKNOWN_CAUSE"))
}

/// The state of a TCP socket, as the kernel numbers them.
pub fn tcp_state(state: u32) -> Text {
    Text::Static(match state {
        1 => "TCP_ESTABLISHED",
        2 => "TCP_SYN_SENT",
        3 => "TCP_SYN_RECV",
        4 => "TCP_FIN_WAIT1",
        5 => "TCP_FIN_WAIT2",
        6 => "TCP_CLOSE",
        7 => "TCP_CLOSE_WAIT",
        8 => "TCP_LAST_ACK",
        9 => "TCP_LISTEN",
        10 => "TCP_CLOSING",
        11 => "TCP_NEW_SYN_RECV",
        _ => "TCP_INVALID_STATE",
    })
}

/// The response code in the low four bits of the DNS flags (RFC 1035, 4.1.1).
pub fn dns_response_code(flags: u32) -> Text {
    Text::Static(match flags & 0xf {
        0 => "NoError",
        1 => "FormErr",
        2 => "ServFail",
        3 => "NXDomain",
        4 => "NotImp",
        5 => "Refused",
        6 => "YXDomain",
        7 => "YXRRSet",
        8 => "NXRRSet",
        9 => "NotAuth",
        10 => "NotZone",
        _ => "UnDefined",
    })
}

/// Characters of a name in DNS; what is longer is none, and must not fill memory.
const DNS_NAME_CHARACTERS_MAX: usize = 253;

/// Whole labels as long as the name is one of DNS; empty labels are left out. NetObserv cuts at 31 bytes, which is
/// what its agent sends; ours sends more, and what came is kept.
pub fn dns_name(name: &str) -> Text {
    let is_clean = !name.starts_with('.') && !name.ends_with('.') && !name.contains("..");
    if is_clean && name.len() <= DNS_NAME_CHARACTERS_MAX {
        return Text::Shared(name.into());
    }
    let mut kept = String::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        let dot = usize::from(!kept.is_empty());
        if kept.len() + dot + label.len() > DNS_NAME_CHARACTERS_MAX {
            break;
        }
        kept.push_str(&"."[..dot]);
        kept.push_str(label);
    }
    Text::Shared(kept.into())
}

/// Kinds of TLS messages, by the bits of `tls_types`.
pub static TLS_TYPES: BitTable = BitTable(&[
    (1, "ClientHello"),
    (2, "ServerHello"),
    (4, "OtherHandshake"),
    (8, "ChangeCipher"),
    (16, "Alert"),
    (32, "AppData"),
]);

fn shared(text: String) -> Text {
    Text::Shared(Arc::from(text))
}

/// The protocol version; a leading `~ ` says that packets disagreed.
pub fn tls_version(version: u32, is_mismatch: bool) -> Text {
    let name = match version {
        0x0300 => "SSLv3",
        0x0301 => "TLS 1.0",
        0x0302 => "TLS 1.1",
        0x0303 => "TLS 1.2",
        0x0304 => "TLS 1.3",
        other if is_mismatch => return shared(format!("~ 0x{other:04X}")),
        other => return shared(format!("0x{other:04X}")),
    };
    if is_mismatch {
        shared(format!("~ {name}"))
    } else {
        Text::Static(name)
    }
}

/// The key exchange group (IANA's registry of supported groups).
pub fn tls_group(group: u32) -> Text {
    Text::Static(match group {
        23 => "CurveP256",
        24 => "CurveP384",
        25 => "CurveP521",
        29 => "X25519",
        4587 => "SecP256r1MLKEM768",
        4588 => "X25519MLKEM768",
        4589 => "SecP384r1MLKEM1024",
        other => return shared(format!("CurveID({other})")),
    })
}

/// The QUIC version.
pub fn quic_version(version: u32) -> Text {
    Text::Static(match version {
        0 => "QUIC v1",
        1 => "QUIC v2",
        other => return shared(format!("QUIC Unknown ({other})")),
    })
}

/// The cipher suite (IANA's registry, those that Go names).
pub fn tls_cipher_suite(suite: u32) -> Text {
    Text::Static(match suite {
        0x0005 => "TLS_RSA_WITH_RC4_128_SHA",
        0x000a => "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
        0x002f => "TLS_RSA_WITH_AES_128_CBC_SHA",
        0x0035 => "TLS_RSA_WITH_AES_256_CBC_SHA",
        0x003c => "TLS_RSA_WITH_AES_128_CBC_SHA256",
        0x009c => "TLS_RSA_WITH_AES_128_GCM_SHA256",
        0x009d => "TLS_RSA_WITH_AES_256_GCM_SHA384",
        0x1301 => "TLS_AES_128_GCM_SHA256",
        0x1302 => "TLS_AES_256_GCM_SHA384",
        0x1303 => "TLS_CHACHA20_POLY1305_SHA256",
        0xc007 => "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
        0xc009 => "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
        0xc00a => "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
        0xc011 => "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
        0xc012 => "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
        0xc013 => "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        0xc014 => "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
        0xc023 => "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
        0xc027 => "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
        0xc02b => "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        0xc02c => "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        0xc02f => "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        0xc030 => "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        0xcca8 => "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        0xcca9 => "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        other => return shared(format!("0x{other:04X}")),
    })
}
