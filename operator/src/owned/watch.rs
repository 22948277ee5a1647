//! Copies of all live objects that carry our label, kept up to date by watches: one per kind.
//!
//! **Invariant:** a kind of another project is watched exactly while the cluster has its API.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::join_all;
use kube::Client;
use kube::api::Api;
use kube::core::DynamicObject;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::reflector::{self, Store};
use kube::runtime::watcher::{self, Event, watcher};
use tokio::task::{AbortHandle, JoinSet};

use super::apply::key_of;
use super::{KINDS, Kind, adopt};
use crate::listener::Listener;
use crate::object::Key;
use crate::scope::label;

/// How long the first listing of kinds may take before a run goes on without them. Waited for once: a kind that cannot be
/// listed must not slow every run.
const FIRST_LIST_LIMIT: Duration = Duration::from_secs(10);

type KindName = (&'static str, &'static str);

/// The copies.
#[derive(Clone)]
pub struct Observed {
    client: Client,
    listener: Listener,
    handed_over: Listener,
    watches: Arc<Mutex<Watches>>,
    /// Objects of strangers that have a name of ours. One that is shown by a watch was handed over.
    expected: Arc<Mutex<HashSet<Key>>>,
}

#[derive(Default)]
struct Watches {
    stores: BTreeMap<KindName, Store<DynamicObject>>,
    /// Kinds that no run waited for yet.
    unawaited: BTreeSet<KindName>,
    aborts: BTreeMap<KindName, AbortHandle>,
    tasks: JoinSet<()>,
}

impl Observed {
    /// Nothing is watched yet. `listener` is told about every change, `handed_over` in its place about an object that was
    /// a stranger's until now.
    pub fn new(client: Client, listener: Listener, handed_over: Listener) -> Self {
        Self {
            client,
            listener,
            handed_over,
            watches: Arc::default(),
            expected: Arc::default(),
        }
    }

    /// Notes that this object is a stranger's: no watch shows it until it gets our label.
    pub fn expect(&self, key: &Key) {
        let mut expected = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
        expected.insert(key.clone());
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
                watches.unawaited.insert(name);
                watches.aborts.insert(name, abort);
            } else if !is_wanted && watches.stores.remove(&name).is_some() {
                watches.unawaited.remove(&name);
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
        let (listener, handed_over) = (self.listener.clone(), self.handed_over.clone());
        let expected = self.expected.clone();
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
                    Ok(event) if is_expected(kind, &event, &expected) => handed_over.changed(),
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

    /// Waits until every kind was listed once, or until that takes too long; for each kind only the first time.
    pub async fn wait_until_listed(&self) {
        let stores: Vec<_> = {
            let mut watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
            let unawaited = std::mem::take(&mut watches.unawaited);
            let store = |name: &KindName| watches.stores.get(name).cloned();
            let names = unawaited.into_iter();
            names
                .filter_map(|name| Some((name, store(&name)?)))
                .collect()
        };
        let waits = stores.iter().map(async |((_, kind), store)| {
            if tokio::time::timeout(FIRST_LIST_LIMIT, store.wait_until_ready())
                .await
                .is_err()
            {
                tracing::warn!(kind, "not listed yet; going on without");
            }
        });
        join_all(waits).await;
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

/// Whether an event shows an object that is expected, which then is so no longer.
fn is_expected(kind: &Kind, event: &Event<DynamicObject>, expected: &Mutex<HashSet<Key>>) -> bool {
    let (Event::Apply(object) | Event::InitApply(object)) = event else {
        return false;
    };
    let mut expected = expected.lock().unwrap_or_else(PoisonError::into_inner);
    key_of(kind, object).is_some_and(|key| expected.remove(&key))
}

#[cfg(test)]
mod tests {
    use axum::http::{Request, Response};
    use futures::FutureExt as _;
    use kube::client::Body;
    use serde_json::json;
    use tokio::sync::Notify;
    use tokio::time::Instant;
    use tokio_util::sync::CancellationToken;
    use tower::BoxError;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn kinds_that_cannot_be_listed_are_waited_for_once_and_all_together() {
        let silent = tower::service_fn(|_: Request<Body>| {
            std::future::pending::<Result<Response<Body>, BoxError>>()
        });
        let listener = Listener::new(Arc::default(), CancellationToken::new());
        let observed = Observed::new(Client::new(silent, "n"), listener.clone(), listener);
        for (has_foreign, expected) in [
            (false, FIRST_LIST_LIMIT),
            (false, Duration::ZERO),
            // More kinds came.
            (true, FIRST_LIST_LIMIT),
            (true, Duration::ZERO),
        ] {
            observed.follow(|_| has_foreign);
            let began = Instant::now();
            observed.wait_until_listed().await;
            let waited = began.elapsed();
            assert!(
                waited >= expected && waited < expected + Duration::from_secs(1),
                "{waited:?} in place of {expected:?}"
            );
        }
    }

    /// A cluster that has one ConfigMap with our label and whose watches are silent.
    fn cluster() -> Client {
        let service = tower::service_fn(|request: Request<Body>| async move {
            let uri = request.uri().to_string();
            if uri.contains("watch=true") {
                return std::future::pending().await;
            }
            let object = json!({"apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"namespace": "n", "name": "a", "resourceVersion": "1"}});
            let items = if uri.contains("/configmaps") {
                vec![object]
            } else {
                vec![]
            };
            let list = json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": "1"}, "items": items});
            Ok::<_, BoxError>(Response::new(Body::from(list.to_string().into_bytes())))
        });
        Client::new(service, "n")
    }

    /// Once a user waited for the back-off after the label had been put on.
    #[tokio::test(start_paused = true)]
    async fn an_object_that_is_handed_over_is_told_of_by_itself() {
        for (name, is_expected) in [("a", true), ("b", false)] {
            let handed_over = Arc::new(Notify::new());
            let listener = |notify| Listener::new(notify, CancellationToken::new());
            let observed = Observed::new(
                cluster(),
                listener(Arc::default()),
                listener(handed_over.clone()),
            );
            observed.expect(&Key {
                kind: "ConfigMap".to_owned(),
                group: String::new(),
                namespace: Some("n".to_owned()),
                name: name.to_owned(),
            });
            observed.follow(|_| false);
            observed.wait_until_listed().await;
            let told = handed_over.notified().now_or_never().is_some();
            assert_eq!(told, is_expected, "{name}");
        }
    }
}
