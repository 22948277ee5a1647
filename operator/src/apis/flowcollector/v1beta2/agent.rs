//! `spec.agent`: the eBPF agents.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::flow_filter::FlowFilter;
use super::shared::{Int, LogLevel, MetricsServer, PullPolicy, Scheduling};
use crate::apis::duration::GoDuration;
use crate::apis::text_enum::text_enum;

/// Pattern of `cacheActiveTimeout`: one number and at most one unit.
pub const SIMPLE_DURATION: &str = r"^\d+(ns|ms|s|m)?$";

text_enum! {
    /// Kind of agent; only `eBPF` exists.
    pub enum AgentType {
        Ebpf = "eBPF",
        Ipfix = "IPFIX",
    }
}

text_enum! {
    /// Optional capability of the agents.
    pub enum Feature {
        PacketDrop = "PacketDrop",
        DnsTracking = "DNSTracking",
        FlowRtt = "FlowRTT",
        NetworkEvents = "NetworkEvents",
        PacketTranslation = "PacketTranslation",
        EbpfManager = "EbpfManager",
        UdnMapping = "UDNMapping",
        IpSec = "IPSec",
        TlsTracking = "TLSTracking",
    }
}

text_enum! {
    /// Alert on the agents themselves.
    pub enum AgentAlert {
        DroppedFlows = "NetObservDroppedFlows",
    }
}

/// The agents, one per node, that make flows out of packets.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    /// Deprecated: eBPF agents are deployed whatever stands here. Default: `eBPF`.
    #[serde(rename = "type")]
    #[schemars(extend("default" = "eBPF"))]
    pub kind: Option<AgentType>,
    /// Deprecated and ignored: settings of an agent that no longer exists.
    pub ipfix: Option<IpfixAgent>,
    /// The eBPF agent.
    pub ebpf: Option<Ebpf>,
}

/// The eBPF agent.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ebpf {
    /// When the kubelet pulls the agent's image. Default: `IfNotPresent`.
    #[schemars(extend("default" = "IfNotPresent"))]
    pub image_pull_policy: Option<PullPolicy>,
    /// CPU and memory of the agent's container. The memory limit is also what the agent keeps its own memory under.
    #[schemars(extend("default" = {"limits": {"memory": "800Mi"}, "requests": {"cpu": "100m", "memory": "50Mi"}}))]
    pub resources: Option<ResourceRequirements>,
    /// Looks at one packet out of this many; 0 and 1 mean every packet. More packets give exacter numbers at a higher cost. Default: 50.
    #[schemars(range(min = 0), extend("default" = 50))]
    pub sampling: Option<i32>,
    /// Longest time a flow is gathered in the kernel before it is sent. Lower is fresher, higher is cheaper. Default: 15s.
    #[schemars(regex(pattern = SIMPLE_DURATION), extend("default" = "15s"))]
    pub cache_active_timeout: Option<GoDuration>,
    /// Flows held in the kernel at once, in number; when it is reached, flows are sent early. Default: 120000.
    #[schemars(range(min = 1), extend("default" = 120_000))]
    pub cache_max_flows: Option<i32>,
    /// Interfaces to watch: names, or `/…/` for a regular expression. Empty or absent: all but `excludeInterfaces`.
    pub interfaces: Option<Vec<String>>,
    /// Interfaces never watched: names, or `/…/` for a regular expression. Default: `lo`.
    #[schemars(extend("default" = ["lo"]))]
    pub exclude_interfaces: Option<Vec<String>>,
    /// Verbosity of the agents; `debug` and `trace` cost a lot. Default: `info`.
    #[schemars(extend("default" = "info"))]
    pub log_level: Option<LogLevel>,
    /// Runs the container privileged. Otherwise it gets just the Linux capabilities its features need. Some features cannot work without. Absent: false.
    pub privileged: Option<bool>,
    /// Size of one request to Kafka, in bytes. Only in the Kafka model. Default: 1048576.
    #[schemars(extend("default" = 1_048_576))]
    pub kafka_batch_size: Option<Int>,
    /// Features to turn on, each at some cost in CPU and memory: `PacketDrop` (drops and their cause), `DNSTracking` (DNS latency and codes), `FlowRTT` (TCP round-trip time), `NetworkEvents` (network policy decisions), `PacketTranslation` (addresses behind Services), `EbpfManager` (programs loaded by bpfman), `UDNMapping` (user-defined networks), `IPSec` (encryption state), `TLSTracking` (TLS versions and suites).
    pub features: Option<Vec<Feature>>,
    /// The agents' own metrics.
    pub metrics: Option<AgentMetrics>,
    /// Keeps or drops flows in the kernel, before they cost anything. The single rule written beside `rules` is deprecated, and used only while `rules` is empty.
    pub flow_filter: Option<FlowFilter>,
    /// Settings for debugging and tuning; rarely needed.
    pub advanced: Option<AdvancedAgent>,
}

/// The agents' own metrics.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentMetrics {
    /// Endpoint that Prometheus scrapes.
    pub server: Option<MetricsServer>,
    /// Serve metrics. Absent: true.
    pub enable: Option<bool>,
    /// Alerts to leave out. `NetObservDroppedFlows` fires when agents lose flows.
    pub disable_alerts: Option<Vec<AgentAlert>>,
}

/// Tuning of the agents.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdvancedAgent {
    /// Environment of the agent's container; wins over what the operator sets.
    pub env: Option<BTreeMap<String, String>>,
    /// Nodes the agents run on. Absent: all, whatever their taints.
    pub scheduling: Option<Scheduling>,
    /// Linux capabilities given to an agent that is not privileged, in place of `BPF`, `PERFMON`, `NET_ADMIN`.
    pub cap_override: Option<Vec<String>>,
}

/// Deprecated and ignored.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IpfixAgent {
    /// Ignored.
    #[schemars(regex(pattern = SIMPLE_DURATION), extend("default" = "20s"))]
    pub cache_active_timeout: Option<GoDuration>,
    /// Ignored.
    #[schemars(range(min = 0), extend("default" = 400))]
    pub cache_max_flows: Option<i32>,
    /// Ignored.
    #[schemars(range(min = 2), extend("default" = 400))]
    pub sampling: Option<i32>,
    /// Ignored.
    #[schemars(extend("default" = false))]
    pub force_sample_all: Option<bool>,
    /// Ignored.
    pub cluster_network_operator: Option<ClusterNetworkOperator>,
    /// Ignored.
    pub ovn_kubernetes: Option<OvnKubernetes>,
}

/// Deprecated and ignored.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterNetworkOperator {
    /// Ignored.
    #[schemars(extend("default" = "openshift-network-operator"))]
    pub namespace: Option<String>,
}

/// Deprecated and ignored.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OvnKubernetes {
    /// Ignored.
    #[schemars(extend("default" = "ovn-kubernetes"))]
    pub namespace: Option<String>,
    /// Ignored.
    #[schemars(extend("default" = "ovnkube-node"))]
    pub daemon_set_name: Option<String>,
    /// Ignored.
    #[schemars(extend("default" = "ovnkube-node"))]
    pub container_name: Option<String>,
}
