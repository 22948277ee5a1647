//! Reading what the specification refers to, and watching it while it does.
//!
//! One watch per object, with a field selector on its name: the API server sends only this object, whatever else its
//! namespace holds, and the operator holds nothing but it. A watch of the metadata alone would save nothing, since each
//! change is read at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use kube::Client;
use kube::api::Api;
use kube::core::DynamicObject;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::watch_object;
use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, JoinSet};

use crate::desired::references::{Content, State};
use crate::object::Key;
use crate::owned::Kind;

/// Objects that are watched at once; the status names what is beyond.
const WATCHES_MAX: usize = 64;
/// How long a run waits for the first answers.
const FIRST_ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// The watches.
pub struct Watches {
    client: Client,
    changed: Arc<Notify>,
    watched: BTreeMap<Key, Watched>,
    tasks: JoinSet<()>,
}

struct Watched {
    /// None until there is an answer.
    state: watch::Receiver<Option<State>>,
    abort: AbortHandle,
}

impl Watches {
    /// Nothing is watched yet. `changed` is told about every change.
    pub fn new(client: Client, changed: Arc<Notify>) -> Self {
        Self {
            client,
            changed,
            watched: BTreeMap::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Watches these objects and no others, and says what is known of them.
    pub async fn follow(&mut self, wanted: BTreeSet<Key>) -> BTreeMap<Key, State> {
        self.watched.retain(|key, watched| {
            let is_wanted = wanted.contains(key);
            if !is_wanted {
                watched.abort.abort();
            }
            is_wanted
        });
        while self.tasks.try_join_next().is_some() {}
        let mut states = BTreeMap::new();
        for key in wanted {
            if self.watched.contains_key(&key) {
                continue;
            }
            if self.watched.len() < WATCHES_MAX {
                let watched = self.watch(key.clone());
                self.watched.insert(key, watched);
            } else {
                let reason = format!("more than {WATCHES_MAX} objects are referred to");
                states.insert(key, State::Unreadable(reason));
            }
        }
        let deadline = tokio::time::Instant::now() + FIRST_ANSWER_LIMIT;
        for (key, watched) in &mut self.watched {
            let answer = watched.state.wait_for(Option::is_some);
            let state = match tokio::time::timeout_at(deadline, answer).await {
                Ok(Ok(state)) => state.clone(),
                Ok(Err(_)) | Err(_) => None,
            };
            let none = || State::Unreadable("the API server did not answer yet".to_owned());
            states.insert(key.clone(), state.unwrap_or_else(none));
        }
        states
    }

    fn watch(&mut self, key: Key) -> Watched {
        let (sender, state) = watch::channel(None);
        let changed = self.changed.clone();
        let client = self.client.clone();
        let abort = self.tasks.spawn(async move {
            let Some(kind) = Kind::find(&key.group, &key.kind) else {
                return;
            };
            let namespace = key.namespace.as_deref().unwrap_or_default();
            let api: Api<DynamicObject> = Api::namespaced_with(client, namespace, &kind.resource());
            let answers = watch_object(api, &key.name).default_backoff();
            let mut answers = std::pin::pin!(answers);
            while let Some(answer) = answers.next().await {
                let is_new = sender.send_if_modified(|state| {
                    let new = match answer {
                        Ok(Some(object)) => State::Found(Content::of(&key.kind, &object)),
                        Ok(None) => State::Missing,
                        Err(error) => {
                            tracing::warn!(object = %key, %error, "cannot watch; trying again");
                            if matches!(state, Some(State::Found(_) | State::Missing)) {
                                // An API server that starts anew may refuse for a moment.
                                return false;
                            }
                            State::Unreadable(error.to_string())
                        }
                    };
                    let is_new = state.as_ref() != Some(&new);
                    *state = Some(new);
                    is_new
                });
                if is_new {
                    changed.notify_one();
                }
            }
        });
        Watched { state, abort }
    }
}
