//! What is ours in the cluster: the kinds we make, who owns an object, and writing and removing objects.
//!
//! Called by `reconcile`. **Invariant:** knows no FlowCollector and no component; never writes to an object of a
//! stranger.

mod adopt;
mod apply;
mod claim;
mod remove;
#[cfg(test)]
mod tests;
mod watch;

pub use apply::{Applier, Outcome, OwnedError};
pub use watch::Observed;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::core::{ApiResource, DynamicObject};

use crate::apis::GROUP;
use crate::object::Object;
use crate::scope::{annotation, label};

/// A kind that we make.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// API group, empty for the core group.
    pub group: &'static str,
    /// Version that we write.
    pub version: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Plural, as in paths and RBAC rules.
    pub plural: &'static str,
    /// Whether it comes from another project, so that a cluster may not have it.
    pub is_foreign: bool,
}

const fn builtin(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
) -> Kind {
    Kind {
        group,
        version,
        kind,
        plural,
        is_foreign: false,
    }
}

const fn foreign(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
) -> Kind {
    Kind {
        group,
        version,
        kind,
        plural,
        is_foreign: true,
    }
}

/// All kinds that we make: watched, pruned, and allowed by the operator's role.
pub const KINDS: &[Kind] = &[
    builtin("", "v1", "Namespace", "namespaces"),
    builtin("", "v1", "ServiceAccount", "serviceaccounts"),
    builtin("", "v1", "ConfigMap", "configmaps"),
    builtin("", "v1", "Secret", "secrets"),
    builtin("", "v1", "Service", "services"),
    builtin("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    builtin("apps", "v1", "DaemonSet", "daemonsets"),
    builtin("apps", "v1", "Deployment", "deployments"),
    builtin(
        "autoscaling",
        "v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
    ),
    builtin(
        "networking.k8s.io",
        "v1",
        "NetworkPolicy",
        "networkpolicies",
    ),
    builtin(
        "rbac.authorization.k8s.io",
        "v1",
        "RoleBinding",
        "rolebindings",
    ),
    builtin(
        "rbac.authorization.k8s.io",
        "v1",
        "ClusterRoleBinding",
        "clusterrolebindings",
    ),
    foreign(
        "monitoring.coreos.com",
        "v1",
        "ServiceMonitor",
        "servicemonitors",
    ),
    foreign(
        "monitoring.coreos.com",
        "v1",
        "PrometheusRule",
        "prometheusrules",
    ),
    foreign(
        "console.openshift.io",
        "v1",
        "ConsolePlugin",
        "consoleplugins",
    ),
    foreign(
        "security.openshift.io",
        "v1",
        "SecurityContextConstraints",
        "securitycontextconstraints",
    ),
    foreign(
        "bpfman.io",
        "v1alpha1",
        "ClusterBpfApplication",
        "clusterbpfapplications",
    ),
];

impl Kind {
    /// The kind of that group and name, if we make it.
    pub fn find(group: &str, kind: &str) -> Option<&'static Self> {
        KINDS
            .iter()
            .find(|candidate| candidate.group == group && candidate.kind == kind)
    }

    /// For the client.
    pub fn resource(&self) -> ApiResource {
        let api_version = if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        };
        ApiResource {
            group: self.group.to_owned(),
            version: self.version.to_owned(),
            api_version,
            kind: self.kind.to_owned(),
            plural: self.plural.to_owned(),
        }
    }
}

/// Whether we may change an object: it has our label, or its first owner reference is to one of our resources.
/// A label with another value detaches an object from us, and so does cert-manager when it takes a Secret of ours for
/// its own: two that write one object would do so for ever.
pub fn is_ours(object: &DynamicObject) -> bool {
    let annotations = object.metadata.annotations.as_ref();
    if annotations.is_some_and(|all| all.contains_key(annotation::CERT_MANAGER)) {
        return false;
    }
    let managed = object
        .metadata
        .labels
        .as_ref()
        .and_then(|labels| labels.get(label::MANAGED));
    match managed {
        Some(value) => value == label::MANAGED_YES,
        None => is_first_owner_ours(object),
    }
}

/// Whether an object is a namespace that somebody else made, such as a chart. It holds what others put into it: our
/// labels are merged into it unless its label detaches it, and it never gets an owner that it would go with.
pub fn is_shared(kind: &Kind, object: &DynamicObject) -> bool {
    kind.kind == "Namespace" && !is_detached(object) && !is_first_owner_ours(object)
}

/// Whether we may remove an object that is not wanted any more. A claim on a volume never: with it goes the data, which
/// is wanted again when the component is.
pub fn is_prunable(kind: &Kind, object: &DynamicObject) -> bool {
    is_ours(object) && !is_shared(kind, object) && !claim::is_claim(kind)
}

/// Whether a user took an object from us: it has our label with another value.
pub fn is_detached(object: &DynamicObject) -> bool {
    let labels = object.metadata.labels.as_ref();
    labels
        .and_then(|labels| labels.get(label::MANAGED))
        .is_some_and(|value| value != label::MANAGED_YES)
}

/// Whether we, or NetObserv's operator before us, really made an object. A copy that somebody made of one has its label,
/// and perhaps its owner, but was written by others.
pub fn is_made_by_us(object: &DynamicObject) -> bool {
    adopt::is_applied_by_us(object)
        || (has_our_owner(object) && adopt::is_written_by_former(object))
}

/// Whether a desired object is to outlive all owners.
fn is_to_last(object: &Object) -> bool {
    object.body()["metadata"]["ownerReferences"].is_null()
}

fn is_first_owner_ours(object: &DynamicObject) -> bool {
    let mut owners = object.metadata.owner_references.iter().flatten();
    owners.next().is_some_and(owner_is_ours)
}

fn has_our_owner(object: &DynamicObject) -> bool {
    let mut owners = object.metadata.owner_references.iter().flatten();
    owners.any(owner_is_ours)
}

fn owner_is_ours(owner: &OwnerReference) -> bool {
    owner
        .api_version
        .split_once('/')
        .is_some_and(|(group, _)| group == GROUP)
}
