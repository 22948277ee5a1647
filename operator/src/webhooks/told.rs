//! Where the API server keeps what it was told about the webhooks: watched, so that what somebody takes away is put back at
//! once. Until then every edit of our resources is refused.

use std::error::Error;
use std::fmt::Debug;

use futures::StreamExt as _;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::Api;
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, watcher};
use kube::{Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::Notify;

use crate::scope::webhook::{CONFIGURATION, DEFINITION};

/// Tells `changed` of every change of either object, for ever. Our own writes come back too, and then there is nothing to
/// do.
pub async fn follow(client: &Client, changed: &Notify) {
    tokio::join!(
        watch::<ValidatingWebhookConfiguration>(client, CONFIGURATION, changed),
        watch::<CustomResourceDefinition>(client, DEFINITION, changed),
    );
}

/// Only this object is sent, and of it the metadata alone, which tells that it changed.
async fn watch<K>(client: &Client, name: &str, changed: &Notify)
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let api: Api<PartialObjectMeta<K>> = Api::all(client.clone());
    let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let events = watcher(api, config).default_backoff();
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            Ok(_) => changed.notify_one(),
            Err(error) => {
                let error: &dyn Error = &error;
                tracing::warn!(
                    object = name,
                    error,
                    "cannot watch; it is looked at now and then"
                );
            }
        }
    }
}
