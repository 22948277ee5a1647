//! `spec.consolePlugin`: the web console.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_with::skip_serializing_none;

use super::shared::{Hpa, LogLevel, PullPolicy, Scheduling};

/// The web console: a plugin of the OpenShift console, or a page of its own.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsolePlugin {
    /// Deploys the console. Default: true. It also needs Loki or Prometheus to be on.
    #[schemars(extend("default" = true))]
    pub enable: Option<bool>,
    /// Serves the page without the OpenShift console. Absent: true where that console is missing.
    pub standalone: Option<bool>,
    /// When the kubelet pulls the console's image. Default: `IfNotPresent`.
    #[schemars(extend("default" = "IfNotPresent"))]
    pub image_pull_policy: Option<PullPolicy>,
    /// CPU and memory of the console's container.
    #[schemars(extend("default" = resources()))]
    pub resources: Option<ResourceRequirements>,
    /// Verbosity of the console's back end. Default: `info`.
    #[schemars(extend("default" = "info"))]
    pub log_level: Option<LogLevel>,
    /// Replicas. Default: 1.
    #[schemars(range(min = 0), extend("default" = 1))]
    pub replicas: Option<i32>,
    /// Leaves the number of replicas alone, for an autoscaler of your own. Absent: false.
    pub unmanaged_replicas: Option<bool>,
    /// Deprecated: deploy an autoscaler of your own and set `unmanagedReplicas`.
    pub autoscaler: Option<Hpa>,
    /// Names for port numbers.
    #[schemars(extend("default" = {"enable": true}))]
    pub port_naming: Option<PortNaming>,
    /// Filters one click away. Absent: six of them; a list replaces them all.
    #[schemars(extend("default" = quick_filters()))]
    pub quick_filters: Option<Vec<QuickFilter>>,
    /// Settings for debugging and tuning; rarely needed.
    pub advanced: Option<AdvancedConsolePlugin>,
}

/// CPU and memory of a console whose specification says nothing.
pub fn resources() -> serde_json::Value {
    json!({ "limits": { "memory": "100Mi" }, "requests": { "cpu": "100m", "memory": "50Mi" } })
}

/// The quick filters of a console that has none of its own. The inner quotes ask for an exact match.
fn quick_filters() -> serde_json::Value {
    json!([
        { "name": "Applications", "filter": { "flow_layer": "\"app\"" }, "default": true },
        { "name": "Infrastructure", "filter": { "flow_layer": "\"infra\"" } },
        { "name": "Pods network", "filter": { "src_kind": "\"Pod\"", "dst_kind": "\"Pod\"" }, "default": true },
        { "name": "Services network", "filter": { "dst_kind": "\"Service\"" } },
        { "name": "External ingress", "filter": { "src_subnet_label": "\"\",EXT:" } },
        { "name": "External egress", "filter": { "dst_subnet_label": "\"\",EXT:" } },
    ])
}

/// Names for port numbers.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PortNaming {
    /// Shows names in place of numbers. Default: true.
    #[schemars(extend("default" = true))]
    pub enable: Option<bool>,
    /// Names of your own by port number, such as `"3100": loki`.
    pub port_names: Option<BTreeMap<String, String>>,
}

/// A filter one click away.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuickFilter {
    /// Text of the button.
    pub name: String,
    /// Filter names and their values, separated by commas, such as `src_namespace: "a,b"`.
    pub filter: BTreeMap<String, String>,
    /// On when the page opens. Absent: false.
    pub default: Option<bool>,
}

/// Tuning of the console.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdvancedConsolePlugin {
    /// Environment of the container; wins over what the operator sets.
    pub env: Option<BTreeMap<String, String>>,
    /// Arguments added to the command line.
    pub args: Option<Vec<String>>,
    /// Registers the plugin with the OpenShift console. Default: true.
    #[schemars(extend("default" = true))]
    pub register: Option<bool>,
    /// TCP port of the console; 9002 is taken by its metrics. Default: 9001.
    #[schemars(range(min = 1, max = 65535), extend("default" = 9001))]
    pub port: Option<i32>,
    /// Nodes the pod runs on.
    pub scheduling: Option<Scheduling>,
}
