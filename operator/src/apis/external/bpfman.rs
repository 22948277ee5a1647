//! Kinds of bpfman, which loads programs into the kernel for others.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use serde::Serialize;

use crate::apis::resource::resource_kind;

/// Programs to load on nodes, and what to attach them to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ClusterBpfApplication {
    /// Name and labels.
    pub metadata: ObjectMeta,
    /// What and where.
    pub spec: ClusterBpfApplicationSpec,
}

resource_kind!(
    ClusterBpfApplication,
    "bpfman.io",
    "v1alpha1",
    "clusterbpfapplications",
    ClusterResourceScope
);

/// What and where.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterBpfApplicationSpec {
    /// The nodes; one that selects nothing means all.
    pub node_selector: LabelSelector,
    /// Values of the programs' global variables, as they lie in memory.
    pub global_data: BTreeMap<&'static str, ByteString>,
    /// Where the programs come from.
    pub byte_code: ByteCode,
    /// The programs.
    pub programs: Vec<Program>,
}

/// Where programs come from.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ByteCode {
    /// An image.
    pub image: ByteCodeImage,
}

/// An image with programs.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ByteCodeImage {
    /// The image's name.
    pub url: String,
    /// When to pull it.
    pub image_pull_policy: &'static str,
}

/// One program, by its function in the byte code.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Program {
    /// The function.
    pub name: &'static str,
    /// Its type and links.
    #[serde(flatten)]
    pub hook: Hook,
}

/// Type of a program, with what it is attached to under the type's own key.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type")]
pub enum Hook {
    /// Traffic of interfaces.
    #[serde(rename = "TCX")]
    Tcx {
        /// Attached to.
        tcx: Links<InterfaceLink>,
    },
    /// Entry of a kernel function, loaded for it.
    FEntry {
        /// Attached to.
        fentry: Function,
    },
    /// Entry of a kernel function.
    KProbe {
        /// Attached to.
        kprobe: Links<FunctionLink>,
    },
    /// Return of a kernel function.
    KRetProbe {
        /// Attached to.
        kretprobe: Links<FunctionLink>,
    },
    /// A tracepoint.
    TracePoint {
        /// Attached to.
        tracepoint: Links<NameLink>,
    },
}

/// A list of attachments.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Links<T> {
    /// The attachments.
    pub links: Vec<T>,
}

/// Attachment to interfaces.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InterfaceLink {
    /// Which.
    pub interface_selector: InterfaceSelector,
    /// `Ingress` or `Egress`.
    pub direction: &'static str,
}

/// Choice of interfaces.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InterfaceSelector {
    /// As they come and go.
    pub interfaces_discovery_config: InterfaceDiscovery,
}

/// How interfaces are found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InterfaceDiscovery {
    /// All that appear.
    pub interface_auto_discovery: bool,
}

/// A kernel function that a program is loaded for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Function {
    /// Its name.
    pub function: &'static str,
    /// Whether it is attached.
    pub links: Vec<ModeLink>,
}

/// Attachment without a choice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModeLink {
    /// `Attach`.
    pub mode: &'static str,
}

/// Attachment to a kernel function.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FunctionLink {
    /// Its name.
    pub function: &'static str,
}

/// Attachment by name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NameLink {
    /// The name.
    pub name: &'static str,
}
