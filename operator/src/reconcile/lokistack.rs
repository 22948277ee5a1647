//! Watching the LokiStack that keeps flows, where one does: it is somebody else's, and says how it is in its status.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use kube::Client;
use kube::api::Api;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::watch_object;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::cluster::Facts;
use crate::desired::LokiStack;

/// The API of LokiStacks.
const API: &str = "lokistacks.loki.grafana.com/v1";
/// How long a run waits for the first answer.
const FIRST_ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Namespace and name.
type Key = (String, String);

/// The watch.
pub struct LokiStackWatch {
    client: Client,
    changed: Arc<Notify>,
    watched: Option<(Key, watch::Receiver<Option<LokiStack>>)>,
    tasks: JoinSet<()>,
}

impl LokiStackWatch {
    /// Nothing is watched yet. `changed` is told when the state of the stack changes.
    pub fn new(client: Client, changed: Arc<Notify>) -> Self {
        Self {
            client,
            changed,
            watched: None,
            tasks: JoinSet::new(),
        }
    }

    /// Watches that stack and no other, and says how it is; none where no stack is wanted.
    pub async fn follow(&mut self, wanted: Option<Key>, facts: &Facts) -> Option<LokiStack> {
        let has_api = facts.apis.contains(API);
        let to_watch = wanted.as_ref().filter(|_| has_api);
        if self.watched.as_ref().map(|(key, _)| key) != to_watch {
            self.tasks.shutdown().await;
            self.watched = to_watch.map(|key| (key.clone(), self.watch(key.clone())));
        }
        let (namespace, name) = wanted?;
        let Some((_, state)) = &mut self.watched else {
            return Some(LokiStack::without_api());
        };
        let answer = state.wait_for(Option::is_some);
        let state = match tokio::time::timeout(FIRST_ANSWER_LIMIT, answer).await {
            Ok(Ok(state)) => state.clone(),
            Ok(Err(_)) | Err(_) => None,
        };
        let no_answer = "the API server did not answer yet";
        Some(state.unwrap_or_else(|| LokiStack::unreadable(&namespace, &name, no_answer)))
    }

    fn watch(&mut self, (namespace, name): Key) -> watch::Receiver<Option<LokiStack>> {
        let (sender, state) = watch::channel(None);
        let changed = self.changed.clone();
        let kind = GroupVersionKind::gvk("loki.grafana.com", "v1", "LokiStack");
        let resource = ApiResource::from_gvk_with_plural(&kind, "lokistacks");
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), &namespace, &resource);
        self.tasks.spawn(async move {
            let answers = watch_object(api, &name).default_backoff();
            let mut answers = std::pin::pin!(answers);
            while let Some(answer) = answers.next().await {
                let new = match answer {
                    Ok(Some(object)) => LokiStack::of(&namespace, &name, &object.data),
                    Ok(None) => LokiStack::unreadable(&namespace, &name, "it does not exist"),
                    Err(error) => {
                        tracing::warn!(namespace, name, %error, "cannot watch the LokiStack; trying again");
                        if sender.borrow().is_some() {
                            // An API server that starts anew may refuse for a moment, and each other state restarts
                            // the console.
                            continue;
                        }
                        LokiStack::unreadable(&namespace, &name, &error.to_string())
                    }
                };
                let is_new = sender.send_if_modified(|state| {
                    let is_new = state.as_ref() != Some(&new);
                    *state = Some(new);
                    is_new
                });
                if is_new {
                    changed.notify_one();
                }
            }
        });
        state
    }
}
