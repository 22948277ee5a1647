//! Writing one desired object if it must be, and removing what is not wanted any more.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PatchParams, Preconditions};
use kube::core::DynamicObject;

use super::{KINDS, Kind, Observed, adopt, is_ours, is_prunable, is_shared};
use crate::object::{Key, Object};
use crate::scope::FIELD_MANAGER;

/// What became of one desired object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did not exist.
    Created,
    /// It was not what it should be.
    Updated,
    /// It is what it should be.
    Unchanged,
    /// It is being deleted; to be made again when it is gone.
    Terminating,
    /// The cluster does not know its kind.
    KindMissing,
}

/// Why an object could not be written or removed.
#[derive(Debug, thiserror::Error)]
pub enum OwnedError {
    /// Somebody else's object has the name.
    #[error(
        "{key} exists and is not ours: it is left alone; rename or remove it, or hand it over with the label \
         netobserv-managed=true"
    )]
    Stranger {
        /// Which object.
        key: Key,
    },
    /// We make no such kind.
    #[error("{key} is of a kind that the table of kinds lacks")]
    UnknownKind {
        /// Which object.
        key: Key,
    },
    /// The API server refused or did not answer.
    #[error("{step} {key}: {source}")]
    Api {
        /// What was tried.
        step: &'static str,
        /// Which object.
        key: Key,
        /// Why.
        source: kube::Error,
    },
}

/// Writes and removes.
pub struct Applier {
    client: Client,
    observed: Observed,
    /// Answers to our own writes that the watches may not have brought yet.
    recent: HashMap<Key, Arc<DynamicObject>>,
}

impl Applier {
    /// Works on what `observed` sees.
    pub fn new(client: Client, observed: Observed) -> Self {
        Self {
            client,
            observed,
            recent: HashMap::new(),
        }
    }

    /// Makes the live object hold the desired one: at most one write, and one more for what somebody else claims, or to
    /// make room for a new object where the old one cannot change.
    pub async fn apply(&mut self, object: &Object) -> Result<Outcome, OwnedError> {
        let key = object.key();
        let Some(kind) = Kind::find(&key.group, &key.kind) else {
            return Err(OwnedError::UnknownKind { key: key.clone() });
        };
        if !self.observed.has(kind) {
            return Ok(Outcome::KindMissing);
        }
        let api = self.api(kind, key.namespace.as_deref());
        let live = match self.live(kind, key) {
            Some(live) => Some(live),
            // Only what carries our label is watched.
            None => api
                .get_opt(&key.name)
                .await
                .map_err(|source| failed("get", key, source))?
                .map(Arc::new),
        };
        let Some(live) = live else {
            self.write(&api, object).await?;
            tracing::info!(object = %key, "created");
            return Ok(Outcome::Created);
        };
        if !is_ours(&live) && !is_shared(kind, &live) {
            return Err(OwnedError::Stranger { key: key.clone() });
        }
        let unowned = is_shared(kind, &live).then(|| object.without_owner());
        let object = unowned.as_ref().unwrap_or(object);
        if live.metadata.deletion_timestamp.is_some() {
            return Ok(Outcome::Terminating);
        }
        let Some(difference) = object.difference_from(&live) else {
            return Ok(Outcome::Unchanged);
        };
        if object.must_be_replaced(&live) {
            self.remove(kind, key.clone(), &live).await?;
        } else if adopt::has_other_managers(&live) {
            self.adopt(&api, kind, key).await?;
        }
        self.write(&api, object).await?;
        tracing::info!(object = %key, difference, "updated");
        Ok(Outcome::Updated)
    }

    /// Removes an object that may not carry our label, so that no watch shows it; only if it is ours.
    pub async fn remove_leftover(&mut self, kind: &Kind, key: Key) -> Result<(), OwnedError> {
        let api = self.api(kind, key.namespace.as_deref());
        let live = api
            .get_opt(&key.name)
            .await
            .map_err(|source| failed("get", &key, source))?;
        match live {
            Some(live) if is_prunable(kind, &live) => {
                self.remove(kind, key, &live).await.map(|_| ())
            }
            _ => Ok(()),
        }
    }

    /// Removes what is ours and not in `wanted`. Gives the keys of what went and of what could not be removed.
    pub async fn prune(&mut self, wanted: &HashSet<Key>) -> Vec<Result<Key, OwnedError>> {
        let mut results = Vec::new();
        for kind in KINDS {
            for live in self.observed.all(kind) {
                let Some(key) = key_of(kind, &live) else {
                    continue;
                };
                let is_going = live.metadata.deletion_timestamp.is_some();
                if wanted.contains(&key) || is_going || !is_prunable(kind, &live) {
                    continue;
                }
                results.push(self.remove(kind, key, &live).await);
            }
        }
        results
    }

    async fn remove(
        &mut self,
        kind: &Kind,
        key: Key,
        live: &DynamicObject,
    ) -> Result<Key, OwnedError> {
        let parameters = DeleteParams {
            // Not one of the same name that somebody made meanwhile.
            preconditions: Some(Preconditions {
                uid: live.metadata.uid.clone(),
                resource_version: None,
            }),
            ..DeleteParams::background()
        };
        let api = self.api(kind, key.namespace.as_deref());
        match api.delete(&key.name, &parameters).await {
            Ok(_) => tracing::info!(object = %key, "removed: no longer wanted"),
            Err(kube::Error::Api(status)) if status.is_not_found() => {}
            Err(source) => return Err(failed("delete", &key, source)),
        }
        self.recent.remove(&key);
        Ok(key)
    }

    /// All live objects of these kinds that carry our label, the newest that we know of each.
    pub fn all(&mut self, kinds: &[&str]) -> Vec<(&'static Kind, Key, Arc<DynamicObject>)> {
        let wanted = KINDS.iter().filter(|kind| kinds.contains(&kind.kind));
        let objects = wanted.flat_map(|kind| {
            let keys = self.observed.all(kind).into_iter();
            keys.filter_map(move |live| Some((kind, key_of(kind, &live)?)))
        });
        let keys: Vec<_> = objects.collect();
        keys.into_iter()
            .filter_map(|(kind, key)| {
                let live = self.live(kind, &key)?;
                Some((kind, key, live))
            })
            .collect()
    }

    /// The newest that we know of the live object.
    pub fn live(&mut self, kind: &Kind, key: &Key) -> Option<Arc<DynamicObject>> {
        let watched = self.observed.get(kind, key);
        let Some(recent) = self.recent.get(key) else {
            return watched;
        };
        match &watched {
            Some(watched) if version(watched) < version(recent) => Some(recent.clone()),
            Some(_) => {
                self.recent.remove(key);
                watched
            }
            // The watch has not seen it yet, or has seen it go.
            None => None,
        }
    }

    async fn write(&mut self, api: &Api<DynamicObject>, object: &Object) -> Result<(), OwnedError> {
        let key = object.key();
        // Forced: what the live object says otherwise is not wanted, and it is ours.
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        let written = api
            .patch(&key.name, &parameters, &Patch::Apply(object.applied_body()))
            .await
            .map_err(|source| failed("apply", key, source))?;
        self.recent.insert(key.clone(), Arc::new(written));
        Ok(())
    }

    async fn adopt(
        &self,
        api: &Api<DynamicObject>,
        kind: &Kind,
        key: &Key,
    ) -> Result<(), OwnedError> {
        // The watched copy does not hold whose each field is.
        let live = api
            .get(&key.name)
            .await
            .map_err(|source| failed("get", key, source))?;
        let patch = serde_json::from_value(adopt::patch(&live, &kind.resource().api_version))
            .map_err(|source| failed("take over", key, kube::Error::SerdeError(source)))?;
        let parameters = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        api.patch(&key.name, &parameters, &Patch::<()>::Json(patch))
            .await
            .map_err(|source| failed("take over", key, source))?;
        tracing::info!(object = %key, "taken over from other field managers");
        Ok(())
    }

    fn api(&self, kind: &Kind, namespace: Option<&str>) -> Api<DynamicObject> {
        let resource = kind.resource();
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }
}

/// Versions grow; Kubernetes promises that they can be compared as numbers.
fn version(object: &DynamicObject) -> u64 {
    object
        .metadata
        .resource_version
        .as_deref()
        .and_then(|version| version.parse().ok())
        .unwrap_or_default()
}

fn key_of(kind: &Kind, object: &DynamicObject) -> Option<Key> {
    Some(Key {
        kind: kind.kind.to_owned(),
        group: kind.group.to_owned(),
        namespace: object.metadata.namespace.clone(),
        name: object.metadata.name.clone()?,
    })
}

fn failed(step: &'static str, key: &Key, source: kube::Error) -> OwnedError {
    OwnedError::Api {
        step,
        key: key.clone(),
        source,
    }
}
