//! Facts about the cluster: what it is and which APIs it has. Discovered, followed while running, never assumed.
//!
//! **Invariant:** decides nothing about what is deployed.

mod apis;
mod discover;
mod subnets;
#[cfg(test)]
mod tests;

pub use discover::{FactsError, discover};
pub use subnets::Subnets;

use std::collections::BTreeSet;

use crate::apis::validation::ClusterFacts;
use crate::owned::Kind;

/// What the rest of the operator knows about the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// APIs of other projects that are served, as `plural.group/version`.
    pub apis: BTreeSet<String>,
    /// Version of OpenShift, such as `4.19.3`, if it is one and says so.
    pub openshift_version: Option<String>,
    /// The cluster's own id on OpenShift.
    pub cluster_id: Option<String>,
    /// The network plugin.
    pub network_plugin: NetworkPlugin,
    /// Number of nodes, if they may be listed.
    pub nodes: Option<usize>,
    /// Addresses of the API server, for network policies and subnet labels.
    pub api_server_addresses: Vec<String>,
    /// Ports on which the API server is reached there.
    pub api_server_ports: Vec<u16>,
    /// Whether a ServiceMonitor may say that Prometheus finds its targets by EndpointSlices.
    pub has_discovery_role: bool,
    /// Names for the cluster's own address ranges, on OpenShift.
    pub subnets: Subnets,
}

/// The network plugin, as far as it matters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum NetworkPlugin {
    /// OVN-Kubernetes.
    OvnKubernetes,
    /// The one of kind.
    Kindnet,
    /// What OpenShift calls it.
    Other(String),
    /// None of these, or it may not be read.
    #[default]
    Unknown,
}

impl NetworkPlugin {
    /// Its name, if it is known.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::OvnKubernetes => Some("OVNKubernetes"),
            Self::Kindnet => Some("Kindnet"),
            Self::Other(name) => Some(name),
            Self::Unknown => None,
        }
    }
}

/// What tells OpenShift from other clusters.
pub const SECURITY_CONTEXT_CONSTRAINTS: &str =
    "securitycontextconstraints.security.openshift.io/v1";

impl Facts {
    /// Whether this is OpenShift.
    pub fn is_openshift(&self) -> bool {
        self.apis.contains(SECURITY_CONTEXT_CONSTRAINTS)
    }

    /// What the rules of admission ask.
    pub fn for_rules(&self) -> ClusterFacts {
        let openshift = match (&self.openshift_version, self.is_openshift()) {
            (Some(version), _) => Ok(Some(version.clone())),
            (None, false) => Ok(None),
            (None, true) => Err("this OpenShift does not say its version".to_owned()),
        };
        ClusterFacts {
            nodes: self
                .nodes
                .ok_or_else(|| "the operator may not list them".to_owned()),
            network_plugin: Ok(self.network_plugin.name().map(str::to_owned)),
            openshift,
            has_console_plugins: Ok(self.has_console_plugins()),
        }
    }

    /// Whether the cluster has the Prometheus operator's ServiceMonitors.
    pub fn has_monitors(&self) -> bool {
        let kind = Kind::find("monitoring.coreos.com", "ServiceMonitor");
        kind.is_some_and(|kind| self.has(kind))
    }

    /// Whether the cluster has the API of OpenShift's console plugins.
    pub fn has_console_plugins(&self) -> bool {
        let kind = Kind::find("console.openshift.io", "ConsolePlugin");
        kind.is_some_and(|kind| self.has(kind))
    }

    /// Whether the cluster serves a kind of another project.
    pub fn has(&self, kind: &Kind) -> bool {
        self.apis
            .contains(&format!("{}.{}/{}", kind.plural, kind.group, kind.version))
    }
}
