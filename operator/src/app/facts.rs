//! Keeps the facts about the cluster fresh: every ten minutes, and soon after a kind of object comes or goes.

use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, watcher};
use kube::{Api, Client};
use tokio::sync::{Notify, watch};

use crate::cluster::{self, Facts};

const REFRESH: Duration = Duration::from_mins(10);
/// First wait after an error; each further one doubles it.
const RETRY_MIN: Duration = Duration::from_secs(1);
/// A definition that is new is served a moment later.
const SETTLE: Duration = Duration::from_secs(1);

/// Publishes facts for ever. The first ones come as soon as the cluster answers.
pub async fn follow(client: Client, facts: watch::Sender<Option<Facts>>) {
    let definitions = Notify::new();
    tokio::join!(
        refresh(&client, &facts, &definitions),
        watch_definitions(client.clone(), &definitions)
    );
}

async fn refresh(client: &Client, facts: &watch::Sender<Option<Facts>>, definitions: &Notify) {
    let mut retry = RETRY_MIN;
    loop {
        let known = facts.borrow().clone();
        let wait = match cluster::discover(client, known.as_ref()).await {
            Ok(found) => {
                retry = RETRY_MIN;
                let is_new = facts.send_if_modified(|known| {
                    let is_new = known.as_ref() != Some(&found);
                    *known = Some(found.clone());
                    is_new
                });
                if is_new {
                    tracing::info!(
                        openshift = found.is_openshift(),
                        nodes = ?found.nodes,
                        network = ?found.network_plugin,
                        "facts about the cluster"
                    );
                }
                REFRESH
            }
            Err(error) => {
                tracing::warn!(%error, "cannot learn about the cluster; trying again");
                retry = (retry * 2).min(REFRESH);
                retry
            }
        };
        // Either way they are asked for again.
        let _ = tokio::time::timeout(wait, definitions.notified()).await;
        tokio::time::sleep(SETTLE).await;
    }
}

async fn watch_definitions(client: Client, changed: &Notify) {
    let api: Api<PartialObjectMeta<CustomResourceDefinition>> = Api::all(client);
    let events = watcher(api, watcher::Config::default())
        .default_backoff()
        .touched_objects();
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            Ok(_) => changed.notify_one(),
            Err(error) => tracing::warn!(%error, "cannot watch definitions of kinds; trying again"),
        }
    }
}
