//! Watching the LokiStack that keeps flows, where one does: it is somebody else's, and says how it is in its status.

use kube::Client;
use kube::api::Api;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use tokio::time::Instant;

use super::watched::{FIRST_ANSWER_LIMIT, Watched};
use crate::cluster::Facts;
use crate::desired::LokiStack;
use crate::listener::Listener;
use crate::refusal;

/// The API of LokiStacks.
const API: &str = "lokistacks.loki.grafana.com/v1";
/// Namespace and name.
type Key = (String, String);

/// The watch.
pub struct LokiStackWatch {
    client: Client,
    listener: Listener,
    watched: Option<(Key, Watched<LokiStack>)>,
}

impl LokiStackWatch {
    /// Nothing is watched yet. `listener` is told when the state of the stack changes.
    pub fn new(client: Client, listener: Listener) -> Self {
        Self {
            client,
            listener,
            watched: None,
        }
    }

    /// Watches that stack and no other, and says how it is; none where no stack is wanted.
    pub async fn follow(&mut self, wanted: Option<Key>, facts: &Facts) -> Option<LokiStack> {
        let has_api = facts.apis.contains(API);
        let to_watch = wanted.as_ref().filter(|_| has_api);
        if self.watched.as_ref().map(|(key, _)| key) != to_watch {
            self.watched = to_watch.map(|key| (key.clone(), self.watch(key.clone())));
        }
        let (namespace, name) = wanted?;
        let Some((_, watched)) = &mut self.watched else {
            return Some(LokiStack::without_api());
        };
        let state = watched.answer_by(Instant::now() + FIRST_ANSWER_LIMIT).await;
        let no_answer = "the API server did not answer yet";
        Some(state.unwrap_or_else(|| LokiStack::unreadable(&namespace, &name, no_answer)))
    }

    fn watch(&self, (namespace, name): Key) -> Watched<LokiStack> {
        let kind = GroupVersionKind::gvk("loki.grafana.com", "v1", "LokiStack");
        let resource = ApiResource::from_gvk_with_plural(&kind, "lokistacks");
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), &namespace, &resource);
        Watched::start(api, &name.clone(), &self.listener, move |answer, before| {
            Some(match answer {
                Ok(Some(object)) => LokiStack::of(&namespace, &name, &object.data),
                Ok(None) => LokiStack::unreadable(&namespace, &name, "it does not exist"),
                Err(error) => {
                    tracing::warn!(namespace, name, %error, "cannot watch the LokiStack; trying again");
                    if before.is_some() {
                        // An API server that starts anew may refuse for a moment, and each other state restarts the
                        // console.
                        return None;
                    }
                    LokiStack::unreadable(&namespace, &name, &refusal::words(&error))
                }
            })
        })
    }
}
