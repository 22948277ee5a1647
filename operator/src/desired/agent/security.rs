//! What the agents' container may do.

use k8s_openapi::api::core::v1::{Capabilities, SecurityContext};

use crate::apis::external::openshift::{SecurityContextConstraints, Strategy};
use crate::apis::flowcollector::v1beta2::agent::Feature;
use crate::desired::Context;
use crate::desired::build::{Labels, metadata, restricted};
use crate::effective::Effective;
use crate::scope::agent as names;

/// What an agent that is not privileged needs for its features.
const CAPABILITIES: [&str; 3] = ["BPF", "PERFMON", "NET_ADMIN"];
/// Kinds of volume that agents may have, besides folders of the node.
const VOLUMES: [&str; 6] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "projected",
    "secret",
];

/// For the container.
pub fn context(effective: &Effective) -> SecurityContext {
    if effective.is_agent_privileged() {
        return SecurityContext {
            privileged: Some(true),
            run_as_user: Some(0),
            ..SecurityContext::default()
        };
    }
    let restricted = restricted();
    SecurityContext {
        run_as_user: Some(0),
        capabilities: Some(Capabilities {
            add: Some(capabilities(effective)),
            ..restricted.capabilities.unwrap_or_default()
        }),
        ..restricted
    }
}

/// For OpenShift, which lets nobody do what the container asks for unless this says so.
pub fn constraints(context: &Context) -> SecurityContextConstraints {
    let effective = context.effective;
    let is_privileged = effective.is_agent_privileged();
    let namespace = context.scope.privileged_namespace();
    let any = Strategy {
        kind: "RunAsAny".to_owned(),
    };
    let mut volumes = VOLUMES.map(str::to_owned).to_vec();
    volumes.extend(is_privileged.then(|| "hostPath".to_owned()));
    let mut dropped = Vec::new();
    if effective.has_feature(Feature::EbpfManager) {
        dropped.push("ALL".to_owned());
    }
    SecurityContextConstraints {
        metadata: metadata(names::NAME, None, Labels::new()),
        allow_host_network: true,
        allow_privileged_container: is_privileged,
        allow_host_dir_volume_plugin: is_privileged,
        allowed_capabilities: if is_privileged {
            Vec::new()
        } else {
            capabilities(effective)
        },
        required_drop_capabilities: dropped,
        run_as_user: any.clone(),
        se_linux_context: any,
        volumes,
        users: vec![format!("system:serviceaccount:{namespace}:{}", names::NAME)],
        ..SecurityContextConstraints::default()
    }
}

fn capabilities(effective: &Effective) -> Vec<String> {
    let advanced = effective.agent.advanced.as_ref();
    advanced
        .and_then(|advanced| advanced.cap_override.clone())
        .unwrap_or_else(|| CAPABILITIES.map(str::to_owned).to_vec())
}
