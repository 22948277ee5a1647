//! The one table of environment variables. `--help`, the table in `README.md`, `contracts/environment.json` and the
//! reader all come from it.
//!
//! **Invariant:** a variable that is not here cannot be read, and a default stands nowhere else.

/// The type of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    String,
    Int,
    Uint16,
    Bool,
    Duration,
    List,
}

impl Kind {
    /// Its name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Uint16 => "uint16",
            Self::Bool => "bool",
            Self::Duration => "duration",
            Self::List => "list",
        }
    }
}

/// What this version does with a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// Does what it says.
    Yes,
    /// An addition of ours, which NetObserv's agent does not know.
    Ours,
    /// Accepted, with nothing to do in this runtime.
    Ignored,
    /// Still read; the variable named here is the one to use.
    Deprecated(&'static str),
    /// Belongs to a part that this version does not have.
    NotYet,
}

/// One environment variable.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    pub name: &'static str,
    pub kind: Kind,
    /// Text as it would be set; empty for none.
    pub default: &'static str,
    pub meaning: &'static str,
    pub support: Support,
}

const fn var(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    support: Support,
    meaning: &'static str,
) -> Variable {
    Variable {
        name,
        kind,
        default,
        meaning,
        support,
    }
}

use Kind::{Bool, Duration, Int, List, String, Uint16};
use Support::{Deprecated, Ignored, NotYet, Ours, Yes};

/// Every variable, in the order in which they are explained. A line each, so that it reads as the table it is.
#[rustfmt::skip]
pub const VARIABLES: &[Variable] = &[
    var("LOG_LEVEL", String, "info", Yes, "trace, debug, info, warn or error"),
    var("AGENT_IP", String, "", Yes, "address to report as the agent's; otherwise it is chosen by the next two"),
    var("AGENT_IP_IFACE", String, "external", Yes, "where to look for the agent's address: external (the route outwards), local (any interface) or name:INTERFACE"),
    var("AGENT_IP_TYPE", String, "any", Yes, "any, ipv4 or ipv6"),
    var("EXPORT", String, "grpc", Yes, "where flows go: grpc; kafka, ipfix+udp, ipfix+tcp and direct-flp are not available in this version"),
    var("TARGET_HOST", String, "", Yes, "host name or address of the collector; required"),
    var("TARGET_PORT", Int, "0", Yes, "port of the collector; required"),
    var("TARGET_TLS_CA_CERT_PATH", String, "", Yes, "file with the certificate authority of the collector; set: TLS 1.3 with these roots only, empty: plain text"),
    var("TARGET_TLS_USER_CERT_PATH", String, "", Yes, "file with the client certificate for mutual TLS"),
    var("TARGET_TLS_USER_KEY_PATH", String, "", Yes, "file with the key of the client certificate"),
    var("GRPC_MESSAGE_MAX_FLOWS", Int, "10000", Yes, "flows in one message at most"),
    var("GRPC_RECONNECT_TIMER", Duration, "0", Yes, "renew the connection at this period, to spread agents over collectors; 0 never"),
    var("GRPC_RECONNECT_TIMER_RANDOMIZATION", Duration, "0", Yes, "the period is chosen once, up to this much shorter or longer"),
    var("GRPC_SEND_TIMEOUT", Duration, "30s", Ours, "time for the collector to answer one message, before it is sent again"),
    var("EXPORTER_DRAIN_TIMEOUT", Duration, "10s", Ours, "time to deliver what is queued when the agent stops"),
    var("INTERFACES", List, "", Yes, "interfaces to watch, names or /regular expressions/; empty: all"),
    var("EXCLUDE_INTERFACES", List, "lo", Yes, "interfaces not to watch, likewise; wins over INTERFACES"),
    var("INTERFACE_IPS", List, "", Yes, "watch interfaces that own an address in one of these CIDRs; instead of the two above"),
    var("LISTEN_INTERFACES", String, "watch", Yes, "watch (told by the kernel) or poll (asked every LISTEN_POLL_PERIOD)"),
    var("LISTEN_POLL_PERIOD", Duration, "10s", Yes, "period of poll"),
    var("DIRECTION", String, "both", Yes, "ingress, egress or both"),
    var("TC_ATTACH_MODE", String, "tcx", Yes, "tcx, tc, or any (tcx, else tc); a kernel without TCX gets tc, with a warning"),
    var("TC_ATTACH_RETRIES", Int, "4", Yes, "attempts to attach to an interface, 300 ms, 600 ms, ... apart"),
    var("TCX_ATTACH_ANCHOR_INGRESS", String, "none", Yes, "place among other TCX programs: none (appended), head or tail"),
    var("TCX_ATTACH_ANCHOR_EGRESS", String, "none", Yes, "likewise for egress"),
    var("PREFERRED_INTERFACE_FOR_MAC_PREFIX", String, "", Ignored, "prefix=name[,prefix=name...]: the name where interfaces share an index; here the network namespace tells them apart"),
    var("CACHE_MAX_FLOWS", Int, "5000", Yes, "flows that the table in the kernel has room for between two evictions"),
    var("CACHE_ACTIVE_TIMEOUT", Duration, "5s", Yes, "period of evictions"),
    var("STALE_ENTRIES_EVICT_TIMEOUT", Duration, "5s", Yes, "age at which a DNS query without an answer is forgotten"),
    var("BUFFERS_LENGTH", Int, "50", Yes, "length of internal queues"),
    var("EXPORTER_BUFFER_LENGTH", Int, "0", Yes, "messages queued before the exporter; 0: BUFFERS_LENGTH"),
    var("SAMPLING", Int, "0", Yes, "keep one packet in N, at random; 0 or 1: every packet (0 leaves the interval out of the flows)"),
    var("ENABLE_RTT", Bool, "false", Yes, "TCP round trip time"),
    var("ENABLE_DNS_TRACKING", Bool, "false", Yes, "DNS id, flags, latency, name"),
    var("DNS_TRACKING_PORT", Uint16, "53", Yes, "a DNS port besides 53"),
    var("METRICS_ENABLE", Bool, "false", Yes, "serve /metrics, /live and /ready"),
    var("METRICS_LEVEL", String, "info", Yes, "labels of interface_events_total: info, debug or trace!"),
    var("METRICS_SERVER_ADDRESS", String, "", Yes, "address to serve on; empty: all"),
    var("METRICS_SERVER_PORT", Int, "9090", Yes, "port to serve on"),
    var("METRICS_TLS_CERT_PATH", String, "", Yes, "certificate of the metrics server; with the key: TLS 1.3"),
    var("METRICS_TLS_KEY_PATH", String, "", Yes, "key of the metrics server"),
    var("METRICS_PREFIX", String, "ebpf_agent_", Yes, "start of every metric's name"),
    var("FLOWS_TARGET_HOST", String, "", Deprecated("TARGET_HOST"), "replaces TARGET_HOST"),
    var("FLOWS_TARGET_PORT", Int, "0", Deprecated("TARGET_PORT"), "replaces TARGET_PORT"),
    var("PCA_SERVER_PORT", Int, "0", Deprecated("TARGET_PORT"), "replaces TARGET_PORT, unless FLOWS_TARGET_PORT is set"),
    var("FORCE_GARBAGE_COLLECTION", Bool, "true", Ignored, "of NetObserv's runtime; there is no garbage here"),
    var("PPROF_ADDR", String, "", NotYet, "address of a profiling server"),
    var("ENABLE_PCA", Bool, "false", NotYet, "capture packets instead of flows"),
    var("FLP_CONFIG", String, "", NotYet, "pipeline configuration for EXPORT=direct-flp"),
    var("FLOW_FILTER_RULES", String, "", NotYet, "rules for what becomes a flow, a JSON array"),
    var("ENABLE_FLOWS_RINGBUF_FALLBACK", Bool, "false", NotYet, "send packets one by one when the map is full"),
    var("ENABLE_PKT_DROPS", Bool, "false", NotYet, "packets dropped by the kernel"),
    var("ENABLE_NETWORK_EVENTS_MONITORING", Bool, "false", NotYet, "network policy events (psample)"),
    var("NETWORK_EVENTS_MONITORING_GROUP_ID", Int, "10", NotYet, "psample group"),
    var("ENABLE_PKT_TRANSLATION", Bool, "false", NotYet, "addresses before and after NAT"),
    var("ENABLE_UDN_MAPPING", Bool, "false", NotYet, "names of user-defined networks"),
    var("ENABLE_IPSEC_TRACKING", Bool, "false", NotYet, "IPsec result of a flow"),
    var("ENABLE_TLS_TRACKING", Bool, "false", NotYet, "TLS version, cipher, group"),
    var("QUIC_TRACKING_MODE", Int, "0", NotYet, "0 off, 1 UDP port 443, 2 any UDP port"),
    var("ENABLE_OPENSSL_TRACKING", Bool, "false", NotYet, "plain text lengths from OpenSSL"),
    var("OPENSSL_PATH", String, "/usr/bin/openssl", NotYet, "file that holds SSL_write"),
    var("EBPF_PROGRAM_MANAGER_MODE", Bool, "false", NotYet, "use programs loaded by an eBPF manager"),
    var("BPFMAN_BPF_FS_PATH", String, "/run/netobserv/maps", NotYet, "folder of the manager's pinned maps"),
    var("KAFKA_BROKERS", List, "", NotYet, "addresses of Kafka brokers"),
    var("KAFKA_TOPIC", String, "network-flows", NotYet, "topic to write to"),
    var("KAFKA_BATCH_MESSAGES", Int, "1000", NotYet, "messages in a batch at most"),
    var("KAFKA_BATCH_SIZE", Int, "1048576", NotYet, "bytes in a batch at most"),
    var("KAFKA_ASYNC", Bool, "true", NotYet, "do not wait for brokers"),
    var("KAFKA_COMPRESSION", String, "none", NotYet, "none, gzip, snappy, lz4 or zstd"),
    var("KAFKA_ENABLE_TLS", Bool, "false", NotYet, "TLS 1.3 to the brokers"),
    var("KAFKA_TLS_INSECURE_SKIP_VERIFY", Bool, "false", NotYet, "do not check the brokers' certificates"),
    var("KAFKA_TLS_CA_CERT_PATH", String, "", NotYet, "file with the brokers' certificate authority"),
    var("KAFKA_TLS_USER_CERT_PATH", String, "", NotYet, "file with the client certificate"),
    var("KAFKA_TLS_USER_KEY_PATH", String, "", NotYet, "file with its key"),
    var("KAFKA_ENABLE_SASL", Bool, "false", NotYet, "authenticate by SASL"),
    var("KAFKA_SASL_TYPE", String, "plain", NotYet, "plain or scramSHA512"),
    var("KAFKA_SASL_CLIENT_ID_PATH", String, "", NotYet, "file with the user name"),
    var("KAFKA_SASL_CLIENT_SECRET_PATH", String, "", NotYet, "file with the password"),
];

/// The entry of `name`, which must exist.
pub fn variable(name: &str) -> &'static Variable {
    VARIABLES
        .iter()
        .find(|entry| entry.name == name)
        .expect("every variable that is read stands in the table")
}
