//! The manager's own Deployment, which all goes with that the manager keeps for itself. Beside a cluster there is none.
//!
//! **Invariant:** only reads.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::Api;
use kube::{Client, Resource as _};

use crate::scope::static_plugin::OWNER;

/// As an owner; none where the manager does not run by a Deployment in that namespace.
pub async fn owner(
    client: &Client,
    namespace: &str,
) -> Result<Option<OwnerReference>, kube::Error> {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    let deployment = deployments.get_metadata_opt(OWNER).await?;
    Ok(deployment.and_then(|deployment| {
        Some(OwnerReference {
            api_version: Deployment::api_version(&()).into_owned(),
            kind: Deployment::kind(&()).into_owned(),
            name: deployment.metadata.name?,
            uid: deployment.metadata.uid?,
            controller: Some(true),
            block_owner_deletion: Some(false),
        })
    }))
}
