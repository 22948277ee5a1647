//! Kinds of OpenShift.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;

use super::external_kind;

/// What pods of some users may do. OpenShift fills in what is absent, so every field of the definition that it
/// requires is written.
#[allow(
    clippy::struct_excessive_bools,
    reason = "the fields are those of OpenShift"
)]
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityContextConstraints {
    /// Name and labels.
    pub metadata: ObjectMeta,
    /// Volumes of the kind `hostPath`.
    pub allow_host_dir_volume_plugin: bool,
    /// Inter-process communication with the node.
    #[serde(rename = "allowHostIPC")]
    pub allow_host_ipc: bool,
    /// The node's network.
    pub allow_host_network: bool,
    /// The node's processes.
    #[serde(rename = "allowHostPID")]
    pub allow_host_pid: bool,
    /// Ports of the node.
    pub allow_host_ports: bool,
    /// Privileged containers.
    pub allow_privileged_container: bool,
    /// Capabilities a container may ask for.
    pub allowed_capabilities: Vec<String>,
    /// Capabilities every container gets.
    pub default_add_capabilities: Vec<String>,
    /// Capabilities no container has.
    pub required_drop_capabilities: Vec<String>,
    /// Every container must have a read-only root.
    pub read_only_root_filesystem: bool,
    /// Users that containers run as.
    pub run_as_user: Strategy,
    /// Labels of SELinux.
    #[serde(rename = "seLinuxContext")]
    pub se_linux_context: Strategy,
    /// Kinds of volume.
    pub volumes: Vec<String>,
    /// Who this is for.
    pub users: Vec<String>,
}

external_kind!(
    SecurityContextConstraints,
    "security.openshift.io",
    "v1",
    "securitycontextconstraints",
    ClusterResourceScope
);

/// How a value is chosen.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Strategy {
    /// Such as `RunAsAny`.
    #[serde(rename = "type")]
    pub kind: String,
}
