//! Keeps the facts about the cluster fresh: every ten minutes, and soon after a kind of object comes or goes.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, ResourceExt as _};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::cluster::{self, Facts};

const REFRESH: Duration = Duration::from_mins(10);
/// First wait after an error; each further one doubles it.
const RETRY_MIN: Duration = Duration::from_secs(1);
/// A definition that is new is served a moment later.
const SETTLE: Duration = Duration::from_secs(1);
/// Until when a definition that is new or other is in force for sure, of which its status tells.
const IN_FORCE: Duration = Duration::from_secs(30);

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
    let events = watcher(api, watcher::Config::default()).default_backoff();
    let mut events = std::pin::pin!(events);
    let mut definitions = Definitions::default();
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                if definitions.changes(&event) {
                    changed.notify_one();
                }
            }
            Err(error) => tracing::warn!(%error, "cannot watch definitions of kinds; trying again"),
        }
    }
}

/// Which definitions there are, each with its generation and since when it has that.
#[derive(Default)]
struct Definitions {
    seen: BTreeMap<String, (Option<i64>, Instant)>,
}

impl Definitions {
    /// Whether after an event other kinds may be served. A write that leaves the definition as it was, such as of a
    /// label or a status, says nothing, unless it is that a definition which came a moment ago is in force now.
    fn changes(&mut self, event: &Event<PartialObjectMeta<CustomResourceDefinition>>) -> bool {
        match event {
            Event::Apply(object) | Event::InitApply(object) => {
                let generation = object.metadata.generation;
                let known = self.seen.get(&object.name_any());
                let known = known.filter(|(known, _)| *known == generation);
                if let Some((_, since)) = known {
                    return since.elapsed() < IN_FORCE;
                }
                let now = (generation, Instant::now());
                self.seen.insert(object.name_any(), now);
                true
            }
            Event::Delete(object) => self.seen.remove(&object.name_any()).is_some(),
            Event::Init => false,
            // Some may have gone unseen.
            Event::InitDone => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(name: &str, generation: i64) -> PartialObjectMeta<CustomResourceDefinition> {
        let mut object = PartialObjectMeta::default();
        object.metadata.name = Some(name.to_owned());
        object.metadata.generation = Some(generation);
        object
    }

    #[tokio::test(start_paused = true)]
    async fn the_cluster_is_asked_when_definitions_come_go_or_change_and_not_at_each_write() {
        let mut definitions = Definitions::default();
        for (name, event, seconds_after, expected) in [
            ("listed", Event::InitApply(definition("a", 1)), 0, true),
            ("come", Event::Apply(definition("b", 1)), 60, true),
            ("in force", Event::Apply(definition("b", 1)), 1, true),
            ("a status", Event::Apply(definition("b", 1)), 60, false),
            ("changed", Event::Apply(definition("a", 2)), 0, true),
            ("gone", Event::Delete(definition("a", 2)), 60, true),
            ("listed anew", Event::InitDone, 0, true),
        ] {
            tokio::time::advance(Duration::from_secs(seconds_after)).await;
            assert_eq!(definitions.changes(&event), expected, "{name}");
        }
    }
}
