//! Kinds of OpenShift.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::apis::resource::resource_kind;

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

resource_kind!(
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

/// A part of OpenShift's console that is loaded from a Service.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ConsolePlugin {
    /// Name and labels.
    pub metadata: ObjectMeta,
    /// Where it comes from.
    pub spec: ConsolePluginSpec,
}

resource_kind!(
    ConsolePlugin,
    "console.openshift.io",
    "v1",
    "consoleplugins",
    ClusterResourceScope
);

/// Where a plugin comes from.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsolePluginSpec {
    /// For the reader.
    pub display_name: String,
    /// Serves the files.
    pub backend: Backend,
    /// What the page may ask through the console.
    pub proxy: Option<Vec<Proxy>>,
    /// When texts are loaded.
    pub i18n: Internationalization,
}

/// Serves a plugin's files.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Backend {
    /// Always `Service`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which.
    pub service: PluginService,
}

/// A port of a Service.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginService {
    /// Name.
    pub name: String,
    /// Namespace.
    pub namespace: String,
    /// Port.
    pub port: i32,
    /// Where the files are; only for a plugin's files.
    pub base_path: Option<String>,
}

/// A Service that the page may ask through the console.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Proxy {
    /// Part of the path.
    pub alias: String,
    /// Whether the user's token goes along: `UserToken` or `None`.
    pub authorization: String,
    /// The Service, in the same form as that of the files.
    pub endpoint: Backend,
}

/// When texts are loaded.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Internationalization {
    /// `Lazy` or `Preload`.
    pub load_type: String,
}
