//! Copies of all live objects that carry our label, kept up to date by watches: one per kind.
//!
//! **Invariant:** a kind of another project is watched exactly while the cluster has its API.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use kube::Client;
use kube::api::Api;
use kube::core::DynamicObject;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::reflector::{self, Store};
use kube::runtime::watcher::{self, watcher};
use tokio::task::{AbortHandle, JoinSet};

use super::{KINDS, Kind, adopt};
use crate::listener::Listener;
use crate::object::Key;
use crate::scope::label;

/// How long the first listing of a kind may take before a run goes on without it.
const FIRST_LIST_LIMIT: Duration = Duration::from_secs(10);

type KindName = (&'static str, &'static str);

/// The copies.
#[derive(Clone)]
pub struct Observed {
    client: Client,
    listener: Listener,
    watches: Arc<Mutex<Watches>>,
}

#[derive(Default)]
struct Watches {
    stores: BTreeMap<KindName, Store<DynamicObject>>,
    aborts: BTreeMap<KindName, AbortHandle>,
    tasks: JoinSet<()>,
}

impl Observed {
    /// Nothing is watched yet. `listener` is told about every change.
    pub fn new(client: Client, listener: Listener) -> Self {
        Self {
            client,
            listener,
            watches: Arc::default(),
        }
    }

    /// Watches all kinds that the cluster has, and no others. `has` answers for kinds of other projects.
    pub fn follow(&self, has: impl Fn(&Kind) -> bool) {
        let mut watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        for kind in KINDS {
            let name = (kind.group, kind.kind);
            let is_wanted = !kind.is_foreign || has(kind);
            if is_wanted && !watches.stores.contains_key(&name) {
                let (store, abort) = self.watch(kind, &mut watches.tasks);
                watches.stores.insert(name, store);
                watches.aborts.insert(name, abort);
            } else if !is_wanted && watches.stores.remove(&name).is_some() {
                tracing::info!(kind = kind.kind, "its API is gone; no longer watched");
                if let Some(abort) = watches.aborts.remove(&name) {
                    abort.abort();
                }
            }
        }
    }

    fn watch(
        &self,
        kind: &'static Kind,
        tasks: &mut JoinSet<()>,
    ) -> (Store<DynamicObject>, AbortHandle) {
        let resource = kind.resource();
        let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &resource);
        let config = watcher::Config::default().labels(&format!(
            "{}={}",
            label::MANAGED,
            label::MANAGED_YES
        ));
        let writer = reflector::store::Writer::new(resource);
        let store = writer.as_reader();
        let listener = self.listener.clone();
        let events = reflector::reflector(
            writer,
            watcher(api, config)
                .default_backoff()
                .modify(adopt::shorten),
        );
        let abort = self.listener.spawn(tasks, kind.kind, async move {
            let mut events = std::pin::pin!(events);
            while let Some(event) = events.next().await {
                match event {
                    Ok(_) => listener.changed(),
                    Err(error) => {
                        let error: &dyn Error = &error;
                        tracing::warn!(kind = kind.kind, error, "watch failed; trying again");
                    }
                }
            }
        });
        (store, abort)
    }

    /// Waits until every kind was listed once, or until that takes too long.
    pub async fn wait_until_listed(&self) {
        let stores: Vec<_> = {
            let watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
            watches
                .stores
                .iter()
                .map(|(name, store)| (*name, store.clone()))
                .collect()
        };
        for ((_, kind), store) in stores {
            if tokio::time::timeout(FIRST_LIST_LIMIT, store.wait_until_ready())
                .await
                .is_err()
            {
                tracing::warn!(kind, "not listed yet; going on without");
            }
        }
    }

    /// Whether objects of that kind can be made here.
    pub fn has(&self, kind: &Kind) -> bool {
        self.store(kind).is_some()
    }

    /// The live object, if it carries our label.
    pub fn get(&self, kind: &Kind, key: &Key) -> Option<Arc<DynamicObject>> {
        self.store(kind)?.find(|object| {
            object.metadata.name.as_deref() == Some(&key.name)
                && object.metadata.namespace == key.namespace
        })
    }

    /// All live objects of a kind that carry our label.
    pub fn all(&self, kind: &Kind) -> Vec<Arc<DynamicObject>> {
        self.store(kind)
            .map(|store| store.state())
            .unwrap_or_default()
    }

    fn store(&self, kind: &Kind) -> Option<Store<DynamicObject>> {
        let watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        watches.stores.get(&(kind.group, kind.kind)).cloned()
    }
}
