//! `status` of a FlowCollector.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::exporters::ExporterType;
use crate::apis::text_enum::text_enum;

text_enum! {
    /// State of a component.
    #[derive(Default)]
    pub enum ComponentState {
        Ready = "Ready",
        InProgress = "InProgress",
        Failure = "Failure",
        Degraded = "Degraded",
        #[default]
        Unknown = "Unknown",
        Unused = "Unused",
    }
}

text_enum! {
    /// State of an exporter.
    pub enum ExporterState {
        Ready = "Ready",
        InProgress = "InProgress",
        Failure = "Failure",
        Degraded = "Degraded",
        Unknown = "Unknown",
    }
}

/// What the operator sees.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowCollectorStatus {
    /// The state in short, one entry per question asked of it.
    pub conditions: Vec<Condition>,
    /// Deprecated: namespace of the components, as older operators wrote it.
    pub namespace: Option<String>,
    /// What the operator deploys.
    pub components: Option<ComponentsStatus>,
    /// What it works with.
    pub integrations: Option<IntegrationsStatus>,
}

/// What the operator deploys.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComponentsStatus {
    /// The eBPF agents.
    pub agent: Option<ComponentStatus>,
    /// The pipeline.
    pub processor: Option<ComponentStatus>,
    /// The web console.
    pub plugin: Option<ComponentStatus>,
}

/// What the operator works with.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntegrationsStatus {
    /// The LokiStack, the demo Loki or the built-in store.
    pub loki: Option<ComponentStatus>,
    /// Dashboards, rules and scraping.
    pub monitoring: Option<ComponentStatus>,
    /// One entry per exporter.
    pub exporters: Option<Vec<ExporterStatus>>,
}

/// State of one component.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComponentStatus {
    /// `Ready`, `InProgress`, `Failure`, `Degraded`, `Unknown` or `Unused`.
    pub state: ComponentState,
    /// Why, in one word.
    pub reason: Option<String>,
    /// Why, and what to do next.
    pub message: Option<String>,
    /// Pods wanted.
    pub desired_replicas: Option<i32>,
    /// Pods ready.
    pub ready_replicas: Option<i32>,
    /// Pods that fail; absent if none.
    pub unhealthy_pod_count: Option<i32>,
    /// What is wrong with them.
    pub pod_issues: Option<String>,
}

/// State of one exporter.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExporterStatus {
    /// Type and position, such as `kafka-export-0`.
    pub name: String,
    /// `Kafka`, `IPFIX` or `OpenTelemetry`.
    #[serde(rename = "type")]
    pub kind: ExporterType,
    /// `Ready`, `InProgress`, `Failure`, `Degraded` or `Unknown`.
    pub state: ExporterState,
    /// Why, in one word.
    pub reason: Option<String>,
    /// Why, and what to do next.
    pub message: Option<String>,
}
