//! FlowCollector `v1beta2`: the stored version, and the only one the operator works with.
//!
//! What may be absent is an `Option`, and nothing is filled in here: defaults are in the schema, and the API server
//! applies them. So reading an object and writing it back changes nothing. Values for what is absent nevertheless
//! come from [`crate::effective`].

pub mod agent;
pub mod console;
pub mod exporters;
pub mod flow_filter;
pub mod kafka;
pub mod loki;
pub mod metrics;
pub mod processor;
pub mod prometheus;
pub mod shared;
pub mod status;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::apis::resource::custom_resource;
use crate::apis::text_enum::text_enum;
use agent::Agent;
use console::ConsolePlugin;
use exporters::Exporter;
use kafka::Kafka;
use loki::Loki;
use processor::Processor;
use prometheus::Prometheus;
use status::FlowCollectorStatus;

/// Version of the types of this module.
pub const VERSION: &str = "v1beta2";

custom_resource! {
    /// The resource that says what is deployed. The only object there may be is named `cluster`.
    FlowCollector { plural: "flowcollectors", version: "v1beta2", scope: ClusterResourceScope,
        spec: FlowCollectorSpec, status: FlowCollectorStatus }
}

text_enum! {
    /// How flows get from the agents to the processor.
    pub enum DeploymentModel {
        Service = "Service",
        Direct = "Direct",
        Kafka = "Kafka",
    }
}

text_enum! {
    /// Whether workloads run; the empty one counts as running.
    pub enum ExecutionMode {
        Unset = "",
        Running = "Running",
        OnHold = "OnHold",
    }
}

/// What shall be deployed.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowCollectorSpec {
    /// Namespace of all components; the agents go to the same name with `-privileged` behind it. It cannot change. Default: `netobserv`.
    #[schemars(extend(
        "default" = "netobserv",
        "x-kubernetes-validations" = [{
            "rule": "self == oldSelf",
            "message": "spec.namespace cannot change: delete the FlowCollector and create it again with the other namespace"
        }]
    ))]
    pub namespace: Option<String>,
    /// How flows get from the agents to the processor: `Service` (default; a processor Deployment), `Direct` (a processor on each node; for small clusters) or `Kafka` (through a topic; for large ones).
    #[schemars(extend("default" = "Service"))]
    pub deployment_model: Option<DeploymentModel>,
    /// The agents, one per node, that make flows out of packets.
    pub agent: Option<Agent>,
    /// The pipeline that enriches flows and passes them on.
    pub processor: Option<Processor>,
    /// Where flows are kept.
    pub loki: Option<Loki>,
    /// Where the console reads metrics.
    pub prometheus: Option<Prometheus>,
    /// The web console.
    pub console_plugin: Option<ConsolePlugin>,
    /// The topic between agents and processor, when `deploymentModel` is `Kafka`.
    pub kafka: Option<Kafka>,
    /// Further receivers of all enriched flows.
    pub exporters: Option<Vec<Exporter>>,
    /// Network policies around the components.
    pub network_policy: Option<NetworkPolicy>,
    /// Whether the workloads run.
    pub execution: Option<Execution>,
}

/// Network policies around the components.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkPolicy {
    /// Deploys them. Absent: only if the network plugin is known to work with them.
    pub enable: Option<bool>,
    /// Further namespaces that may talk with the main one, in both directions; for example Loki's or Kafka's.
    pub additional_namespaces: Option<Vec<String>>,
}

/// Whether the workloads run.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// `Running` (default), or `OnHold`: workloads are removed, configuration stays.
    #[schemars(extend("default" = "Running"))]
    pub mode: Option<ExecutionMode>,
}
