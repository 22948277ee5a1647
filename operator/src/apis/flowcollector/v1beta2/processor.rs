//! `spec.processor`: the pipeline that enriches flows and passes them on.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::metrics::FlowMetrics;
use super::shared::{
    CertificateReference, FileReference, Hpa, Int, LogLevel, PullPolicy, Scheduling,
};
use crate::apis::duration::GoDuration;
use crate::apis::subnets::NAME_PATTERN;
use crate::apis::text_enum::text_enum;

text_enum! {
    /// Kinds of record that are made.
    pub enum LogTypes {
        Flows = "Flows",
        Conversations = "Conversations",
        EndedConversations = "EndedConversations",
        All = "All",
    }
}

text_enum! {
    /// What the deduplicator does with a flow seen at several places.
    pub enum DeduperMode {
        Disabled = "Disabled",
        Drop = "Drop",
        Sample = "Sample",
    }
}

text_enum! {
    /// Outputs a keep-filter acts on; the empty one means all.
    pub enum FilterTarget {
        All = "",
        Loki = "Loki",
        Metrics = "Metrics",
        Exporters = "Exporters",
    }
}

text_enum! {
    /// Certificates between agents and processor.
    #[derive(Default)]
    pub enum ServiceTlsType {
        Disabled = "Disabled",
        Provided = "Provided",
        #[default]
        Auto = "Auto",
        AutoMutual = "Auto-mTLS",
    }
}

text_enum! {
    /// Which namespaces are collected when slices are on.
    pub enum CollectionMode {
        AlwaysCollect = "AlwaysCollect",
        AllowList = "AllowList",
    }
}

text_enum! {
    /// Part of the key by which a pod is found on a secondary network.
    pub enum NetworkIndex {
        Mac = "MAC",
        Ip = "IP",
        Interface = "Interface",
    }
}

/// The pipeline: takes flows from the agents, adds what Kubernetes knows, makes metrics, passes flows on.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Processor {
    /// When the kubelet pulls the processor's image. Default: `IfNotPresent`.
    #[schemars(extend("default" = "IfNotPresent"))]
    pub image_pull_policy: Option<PullPolicy>,
    /// Verbosity; `trace` also prints every flow. Default: `info`.
    #[schemars(extend("default" = "info"))]
    pub log_level: Option<LogLevel>,
    /// CPU and memory of the processor's container.
    #[schemars(extend("default" = {"limits": {"memory": "800Mi"}, "requests": {"cpu": "100m", "memory": "100Mi"}}))]
    pub resources: Option<ResourceRequirements>,
    /// TLS between agents and processor. Only in the Service model. Absent: as `Auto`.
    pub service: Option<ProcessorService>,
    /// Metrics made of flows, and the health rules on them.
    pub metrics: Option<FlowMetrics>,
    /// Replicas, in the Service and Kafka models. Wins over `kafkaConsumerReplicas`. Absent: that, or 3.
    #[schemars(range(min = 0))]
    pub consumer_replicas: Option<i32>,
    /// Leaves the number of replicas alone, for an autoscaler of your own. Absent: false.
    pub unmanaged_replicas: Option<bool>,
    /// Deprecated: use `consumerReplicas`. Default: 3.
    #[schemars(range(min = 0), extend("default" = 3))]
    pub kafka_consumer_replicas: Option<i32>,
    /// Deprecated: deploy an autoscaler of your own and set `unmanagedReplicas`.
    pub kafka_consumer_autoscaler: Option<Hpa>,
    /// Messages that wait inside the Kafka client, in number. Default: 1000.
    #[schemars(extend("default" = 1000))]
    pub kafka_consumer_queue_capacity: Option<Int>,
    /// Most that is fetched from Kafka at once, in bytes. Default: 10485760.
    #[schemars(extend("default" = 10_485_760))]
    pub kafka_consumer_batch_size: Option<Int>,
    /// Records to make: `Flows` (default), or also connections tracked over many flows: `Conversations`, `EndedConversations` (at their end only), `All` (expensive). All but `Flows` need Loki and the Direct or Kafka model.
    #[schemars(extend("default" = "Flows"))]
    pub log_types: Option<LogTypes>,
    /// Name of this cluster, put into flows when `multiClusterDeployment` is on. Empty (default): the cluster's id on OpenShift.
    #[schemars(extend("default" = ""))]
    pub cluster_name: Option<String>,
    /// Puts the cluster's name into each flow. Default: false.
    #[schemars(extend("default" = false))]
    pub multi_cluster_deployment: Option<bool>,
    /// Puts the availability zones of both sides into each flow. Absent: false.
    pub add_zone: Option<bool>,
    /// Names for address ranges.
    pub subnet_labels: Option<SubnetLabels>,
    /// What happens to a flow that is seen at both ends.
    pub deduper: Option<Deduper>,
    /// Keeps only flows that match at least one filter of their output. Empty or absent: keeps all.
    pub filters: Option<Vec<KeepFilter>>,
    /// Whether namespaces may configure their own part by a FlowCollectorSlice.
    pub slices_config: Option<SlicesConfig>,
    /// Settings for debugging and tuning; rarely needed.
    pub advanced: Option<AdvancedProcessor>,
}

/// TLS between agents and processor.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessorService {
    /// Certificates: `Disabled` (plain text), `Provided` (named below), `Auto` (default; made by the cluster or the operator), `Auto-mTLS` (the agents show one too).
    #[schemars(extend("default" = "Auto"))]
    pub tls_type: ServiceTlsType,
    /// Certificates to use when `tlsType` is `Provided`.
    pub provided_certificates: Option<ProvidedCertificates>,
}

/// Certificates between agents and processor, when they are yours.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProvidedCertificates {
    /// Certificate and key of the processor.
    pub server_cert: Option<CertificateReference>,
    /// Certificate and key of the agents; if set, TLS is mutual.
    pub client_cert: Option<CertificateReference>,
    /// Certificate authority that signed them.
    pub ca_file: Option<FileReference>,
}

/// Names for address ranges.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubnetLabels {
    /// Finds the ranges of pods, services and machines by itself, on OpenShift. Absent: true.
    pub open_shift_auto_detect: Option<bool>,
    /// Ranges of your own; they come before all others.
    pub custom_labels: Option<Vec<SubnetLabel>>,
}

/// One named set of address ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubnetLabel {
    /// Ranges, such as `10.0.0.0/8`.
    pub cidrs: Vec<String>,
    /// Name put into flows. Begin it with `EXT:` for ranges outside the cluster.
    #[schemars(regex(pattern = NAME_PATTERN))]
    pub name: String,
}

/// What happens to a flow that is seen at both ends.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deduper {
    /// `Disabled` (default) keeps both, `Drop` removes the second, `Sample` keeps one second in `sampling`.
    #[schemars(extend("default" = "Disabled"))]
    pub mode: Option<DeduperMode>,
    /// Keeps one duplicate out of this many, when `mode` is `Sample`; at most 65535, which what is above counts as. Default: 50.
    #[schemars(range(min = 0), extend("default" = 50))]
    pub sampling: Option<i32>,
}

/// A condition under which flows are kept.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeepFilter {
    /// Condition in the pipeline's query language, such as `(SrcK8S_Namespace="netobserv" or DstPort=443)`.
    pub query: Option<String>,
    /// Output it acts on: `Loki`, `Metrics` or `Exporters`. Empty or absent: all of them.
    pub output_target: Option<FilterTarget>,
    /// Keeps one matching flow out of this many. Absent, 0, 1: all.
    #[schemars(range(min = 0))]
    pub sampling: Option<i32>,
}

/// Use of FlowCollectorSlices.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SlicesConfig {
    /// Reads FlowCollectorSlices; false (default) ignores them.
    #[schemars(extend("default" = false))]
    pub enable: bool,
    /// `AlwaysCollect` (default) collects every namespace; `AllowList` just those with a slice or in `namespacesAllowList`.
    #[schemars(extend("default" = "AlwaysCollect"))]
    pub collection_mode: Option<CollectionMode>,
    /// Namespaces collected without a slice when `collectionMode` is `AllowList`: names, or `/…/` for a regular expression.
    pub namespaces_allow_list: Option<Vec<String>>,
}

/// Tuning of the processor.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdvancedProcessor {
    /// Environment of the container; wins over what the operator sets.
    pub env: Option<BTreeMap<String, String>>,
    /// TCP port agents send to; a port of the node in the Direct model. Default: 2055.
    #[schemars(range(min = 1025, max = 65535), extend("default" = 2055))]
    pub port: Option<i32>,
    /// TCP port of the health checks. Default: 8080.
    #[schemars(range(min = 1, max = 65535), extend("default" = 8080))]
    pub health_port: Option<i32>,
    /// TCP port of the profiler. 0 or absent: off.
    #[schemars(range(min = 0, max = 65535))]
    pub profile_port: Option<i32>,
    /// Gives the pods liveness and start probes. Default: true.
    #[schemars(extend("default" = true))]
    pub enable_kube_probes: Option<bool>,
    /// Deprecated and ignored. Default: true.
    #[schemars(extend("default" = true))]
    pub drop_unused_fields: Option<bool>,
    /// How often a long conversation is reported. Default: 30s.
    #[schemars(extend("default" = "30s"))]
    pub conversation_heartbeat_interval: Option<GoDuration>,
    /// Silence after which a conversation counts as ended. Default: 10s.
    #[schemars(extend("default" = "10s"))]
    pub conversation_end_timeout: Option<GoDuration>,
    /// Time between a FIN flag and the end of the conversation. Default: 5s.
    #[schemars(extend("default" = "5s"))]
    pub conversation_terminating_timeout: Option<GoDuration>,
    /// Nodes the pods run on.
    pub scheduling: Option<Scheduling>,
    /// Keys by which pods are found on secondary networks. Absent: interface with address and interface with MAC if agents are privileged, none otherwise.
    pub secondary_networks: Option<Vec<SecondaryNetwork>>,
}

/// Key by which pods are found on one secondary network.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecondaryNetwork {
    /// Deprecated and ignored.
    pub name: Option<String>,
    /// Parts that make the key together: `MAC`, `IP`, `Interface`.
    pub index: Vec<NetworkIndex>,
}
