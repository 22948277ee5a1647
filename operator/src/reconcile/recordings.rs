//! PrometheusRules of users that say something of recorded series of health, in any namespace.

use futures::StreamExt as _;
use kube::Client;
use kube::ResourceExt as _;
use kube::api::Api;
use kube::core::DynamicObject;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::reflector::{self, Store};
use kube::runtime::watcher::{self, watcher};
use tokio::task::JoinSet;

use super::watched::FIRST_ANSWER_LIMIT;
use crate::cluster::Facts;
use crate::desired::recordings::{self, Recordings};
use crate::listener::Listener;
use crate::owned::Kind;
use crate::scope::label;

/// The watch, exactly while the cluster has the API.
pub struct RecordingsWatch {
    client: Client,
    listener: Listener,
    store: Option<Store<DynamicObject>>,
    tasks: JoinSet<()>,
}

impl RecordingsWatch {
    /// Nothing is watched yet. `listener` is told about every change.
    pub fn new(client: Client, listener: Listener) -> Self {
        Self {
            client,
            listener,
            store: None,
            tasks: JoinSet::new(),
        }
    }

    /// What is said now. Rules that are broken are left out with a line in the log.
    pub async fn follow(&mut self, facts: &Facts) -> Recordings {
        let kind = Kind::find("monitoring.coreos.com", "PrometheusRule");
        let Some(kind) = kind.filter(|kind| facts.has(kind)) else {
            self.stop().await;
            return Recordings::new();
        };
        let store = match &self.store {
            Some(store) => store.clone(),
            None => self.begin(kind).await,
        };
        let mut rules = store.state();
        // Two that speak of one series: the last by name wins, whatever the order of the watch.
        rules.sort_by_key(|rule| (rule.namespace(), rule.name_any()));
        let mut all = Recordings::new();
        for rule in rules {
            match recordings::of_rule(Some(rule.annotations()), &rule.data["spec"]) {
                Ok(said) => all.extend(said),
                Err(error) => {
                    tracing::warn!(rule = rule.name_any(), namespace = rule.namespace(), %error,
                        "the annotation about recorded series is no JSON of texts; left out");
                }
            }
        }
        all
    }

    /// Forgets them until they are asked for again.
    pub async fn stop(&mut self) {
        self.tasks.shutdown().await;
        self.store = None;
    }

    /// Watches them, and waits for the first listing: only now, so that one that does not come slows no later run.
    async fn begin(&mut self, kind: &'static Kind) -> Store<DynamicObject> {
        let store = self.watch(kind);
        if tokio::time::timeout(FIRST_ANSWER_LIMIT, store.wait_until_ready())
            .await
            .is_err()
        {
            tracing::warn!("PrometheusRules of users are not listed yet; going on without");
        }
        store
    }

    fn watch(&mut self, kind: &'static Kind) -> Store<DynamicObject> {
        let resource = kind.resource();
        let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &resource);
        let selector = format!("{}={}", label::HEALTH, label::HEALTH_YES);
        let config = watcher::Config::default().labels(&selector);
        let writer = reflector::store::Writer::new(resource);
        let store = writer.as_reader();
        let listener = self.listener.clone();
        let events = reflector::reflector(writer, watcher(api, config).default_backoff());
        let what = "PrometheusRules of users";
        self.listener.spawn(&mut self.tasks, what, async move {
            let mut events = std::pin::pin!(events);
            while let Some(event) = events.next().await {
                match event {
                    Ok(_) => listener.changed(),
                    Err(error) => {
                        tracing::warn!(%error, "cannot watch PrometheusRules of users; trying again");
                    }
                }
            }
        });
        self.store = Some(store.clone());
        store
    }
}
