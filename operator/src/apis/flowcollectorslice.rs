//! FlowCollectorSlice: the part of the configuration a namespace may set for itself.

pub mod validate;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::apis::flowcollector::v1beta2::shared::Int;
use crate::apis::resource::custom_resource;

/// Version of the types of this module.
pub const VERSION: &str = "v1alpha1";

custom_resource! {
    /// The part of the configuration a namespace may set for itself, if `spec.processor.slicesConfig.enable` is on.
    FlowCollectorSlice { plural: "flowcollectorslices", version: "v1alpha1",
        scope: NamespaceResourceScope, spec: FlowCollectorSliceSpec, status: FlowCollectorSliceStatus }
}

/// What a namespace sets for itself.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowCollectorSliceSpec {
    /// Names for address ranges.
    pub subnet_labels: Option<Vec<SliceSubnetLabel>>,
    /// Keeps one flow of this namespace out of this many, when the collection mode is `AllowList`. Absent, 0, 1: all.
    #[schemars(range(min = 0))]
    pub sampling: Option<i32>,
}

/// One named set of address ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SliceSubnetLabel {
    /// Ranges, such as `10.0.0.0/8`.
    pub cidrs: Vec<String>,
    /// Name put into flows. Begin it with `EXT:` for ranges outside the cluster.
    pub name: String,
}

/// What the operator made of it.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowCollectorSliceStatus {
    /// The state in short: `Ready`, `SubnetWarning`.
    pub conditions: Vec<Condition>,
    /// Filter that keeps this namespace's flows, or why there is none.
    pub filter_applied: Option<String>,
    /// Labels that are in use, in number.
    pub subnet_labels_configured: Option<Int>,
}
