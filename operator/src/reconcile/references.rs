//! Reading what the specification refers to, and watching it while it does.
//!
//! One watch per object, with a field selector on its name: the API server sends only this object, whatever else its
//! namespace holds, and the operator holds nothing but it. A watch of the metadata alone would save nothing, since each
//! change is read at once.

use std::collections::{BTreeMap, BTreeSet};

use kube::Client;
use kube::api::Api;
use kube::core::DynamicObject;
use tokio::time::Instant;

use super::watched::{FIRST_ANSWER_LIMIT, Watched};
use crate::desired::references::{Content, State};
use crate::listener::Listener;
use crate::object::Key;
use crate::owned::Kind;
use crate::refusal;

/// Objects that are watched at once; the status names what is beyond.
const WATCHES_MAX: usize = 64;

/// The watches.
pub struct Watches {
    client: Client,
    listener: Listener,
    watched: BTreeMap<Key, Watched<State>>,
}

impl Watches {
    /// Nothing is watched yet. `listener` is told about every change.
    pub fn new(client: Client, listener: Listener) -> Self {
        Self {
            client,
            listener,
            watched: BTreeMap::new(),
        }
    }

    /// Watches these objects and no others, and says what is known of them.
    pub async fn follow(&mut self, wanted: BTreeSet<Key>) -> BTreeMap<Key, State> {
        self.watched.retain(|key, _| wanted.contains(key));
        let mut states = BTreeMap::new();
        for key in wanted {
            if self.watched.contains_key(&key) {
                continue;
            }
            let Some(kind) = Kind::find(&key.group, &key.kind) else {
                let reason = format!("{} is no kind that is read", key.kind);
                states.insert(key, State::Unreadable(reason));
                continue;
            };
            if self.watched.len() < WATCHES_MAX {
                let watched = self.watch(kind, key.clone());
                self.watched.insert(key, watched);
            } else {
                let reason = format!("more than {WATCHES_MAX} objects are referred to");
                states.insert(key, State::Unreadable(reason));
            }
        }
        let deadline = Instant::now() + FIRST_ANSWER_LIMIT;
        for (key, watched) in &mut self.watched {
            let state = watched.answer_by(deadline).await;
            let none = || State::Unreadable("the API server did not answer yet".to_owned());
            states.insert(key.clone(), state.unwrap_or_else(none));
        }
        states
    }

    fn watch(&self, kind: &Kind, key: Key) -> Watched<State> {
        let namespace = key.namespace.as_deref().unwrap_or_default();
        let client = self.client.clone();
        let api: Api<DynamicObject> = Api::namespaced_with(client, namespace, &kind.resource());
        let name = key.name.clone();
        Watched::start(api, &name, &self.listener, move |answer, before| {
            Some(match answer {
                Ok(Some(object)) => State::Found(Content::of(&key.kind, &object)),
                Ok(None) => State::Missing,
                Err(error) => {
                    tracing::warn!(object = %key, %error, "cannot watch; trying again");
                    if matches!(before, Some(State::Found(_) | State::Missing)) {
                        // An API server that starts anew may refuse for a moment.
                        return None;
                    }
                    State::Unreadable(refusal::words(&error))
                }
            })
        })
    }
}
