//! What operators before this one left behind, and nobody else would ever remove.

use kube::api::{Api, Patch, PatchParams};
use kube::{Client, ResourceExt as _};
use serde_json::json;

use crate::apis::flowcollector::FlowCollector;
use crate::object::Key;
use crate::owned::{Applier, Kind, OwnedError};
use crate::scope::leftover;

/// Removes bindings of former names, if they are ours. Needed once per process.
pub async fn remove_bindings(applier: &mut Applier) -> Result<(), OwnedError> {
    let (group, name) = ("rbac.authorization.k8s.io", "ClusterRoleBinding");
    let Some(kind) = Kind::find(group, name) else {
        return Ok(());
    };
    for binding in leftover::CLUSTER_ROLE_BINDINGS {
        let key = Key {
            kind: name.to_owned(),
            group: group.to_owned(),
            namespace: None,
            name: binding.to_owned(),
        };
        applier.remove_leftover(kind, key).await?;
    }
    Ok(())
}

/// Removes the finalizer of former operators; others stay.
pub async fn remove_finalizer(
    client: &Client,
    collector: &FlowCollector,
) -> Result<(), kube::Error> {
    let finalizers = collector.finalizers();
    let is_ours = |finalizer: &String| finalizer == leftover::FINALIZER;
    if !finalizers.iter().any(is_ours) {
        return Ok(());
    }
    let others: Vec<&String> = finalizers.iter().filter(|name| !is_ours(name)).collect();
    let patch = json!({"metadata": {
        "finalizers": others,
        // Fails if another finalizer came meanwhile.
        "resourceVersion": collector.resource_version(),
    }});
    let collectors: Api<FlowCollector> = Api::all(client.clone());
    let patched = collectors
        .patch(
            &collector.name_any(),
            &PatchParams::default(),
            &Patch::Merge(patch),
        )
        .await;
    match patched {
        Ok(_) => {
            tracing::info!("removed the finalizer of a former operator");
            Ok(())
        }
        // The watch brings the next run.
        Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => Ok(()),
        Err(error) => Err(error),
    }
}
