//! Stored objects of our resources, written anew in the version that is stored now.
//!
//! The API server converts on reading and never rewrites by itself, so an older version could not be taken out of a
//! definition. Once nothing is left in it, the definition's `status.storedVersions` says so.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Client;
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::json;

use super::Backoff;
use crate::apis::GROUP;
use crate::refusal;

/// Resources whose stored version has ever changed or may yet.
const PLURALS: [&str; 2] = ["flowcollectors", "flowmetrics"];
/// Objects read per page.
const PAGE: u32 = 500;

/// Why objects could not be written anew.
#[derive(Debug, thiserror::Error)]
enum MigrationError {
    #[error("read the definition: {}", refusal::words(.0))]
    Definition(kube::Error),
    #[error("the definition stores no version")]
    NoVersion,
    #[error("list the objects: {}", refusal::words(.0))]
    List(kube::Error),
    #[error(
        "write {count} objects anew, the first of them {name}: {}; is the conversion webhook reached?",
        refusal::words(source)
    )]
    Write {
        count: usize,
        name: String,
        source: kube::Error,
    },
    #[error("write the definition's status: {}", refusal::words(.0))]
    Status(kube::Error),
}

/// Does what there is to do, with growing waits between tries: conversion may not be served yet.
pub async fn run(client: Client) {
    let all = PLURALS.map(|plural| until_done(&client, plural));
    futures::future::join_all(all).await;
}

async fn until_done(client: &Client, plural: &str) {
    let mut backoff = Backoff::default();
    while let Err(error) = migrate(client, plural).await {
        tracing::warn!(plural, %error, "cannot write stored objects anew; trying again");
        tokio::time::sleep(backoff.failed()).await;
    }
}

async fn migrate(client: &Client, plural: &str) -> Result<(), MigrationError> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let name = format!("{plural}.{GROUP}");
    let definition = definitions
        .get(&name)
        .await
        .map_err(MigrationError::Definition)?;
    let version = definition
        .spec
        .versions
        .iter()
        .find(|version| version.storage)
        .map(|version| version.name.clone())
        .ok_or(MigrationError::NoVersion)?;
    let stored = definition
        .status
        .and_then(|status| status.stored_versions)
        .unwrap_or_default();
    if stored.iter().all(|stored| *stored == version) {
        return Ok(());
    }
    let kind = GroupVersionKind::gvk(GROUP, &version, &definition.spec.names.kind);
    let resource = ApiResource::from_gvk_with_plural(&kind, plural);
    let count = rewrite(client, &resource).await?;
    let patch = json!({
        // Fails if the stored version changed meanwhile.
        "metadata": {"resourceVersion": definition.metadata.resource_version},
        "status": {"storedVersions": [version]},
    });
    definitions
        .patch_status(&name, &PatchParams::default(), &Patch::Merge(patch))
        .await
        .map_err(MigrationError::Status)?;
    tracing::info!(
        plural,
        version,
        count,
        "all stored objects have this version"
    );
    Ok(())
}

/// An empty patch makes the API server write an object as it would be stored now. One that cannot be written hinders no
/// other, but all together from being done.
async fn rewrite(client: &Client, resource: &ApiResource) -> Result<usize, MigrationError> {
    let all: Api<DynamicObject> = Api::all_with(client.clone(), resource);
    let mut parameters = ListParams::default().limit(PAGE);
    let mut count = 0;
    let mut failures = 0;
    let mut first = None;
    loop {
        let page = all
            .list_metadata(&parameters)
            .await
            .map_err(MigrationError::List)?;
        for object in page.items {
            let name = object.metadata.name.unwrap_or_default();
            let api: Api<DynamicObject> = match object.metadata.namespace.as_deref() {
                Some(namespace) => Api::namespaced_with(client.clone(), namespace, resource),
                None => all.clone(),
            };
            let patch = Patch::Merge(json!({}));
            match api
                .patch_metadata(&name, &PatchParams::default(), &patch)
                .await
            {
                Ok(_) => count += 1,
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                Err(error) => {
                    failures += 1;
                    first.get_or_insert((name, error));
                }
            }
        }
        match page.metadata.continue_ {
            Some(token) if !token.is_empty() => parameters = parameters.continue_token(&token),
            _ => break,
        }
    }
    match first {
        None => Ok(count),
        Some((name, source)) => Err(MigrationError::Write {
            count: failures,
            name,
            source,
        }),
    }
}
