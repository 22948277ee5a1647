//! Writing one desired object if it must be.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use kube::core::DynamicObject;
use serde_json::json;

use super::{
    KINDS, Kind, Observed, adopt, claim, has_our_owner, is_detached, is_ours, is_shared,
    is_to_last, owner_is_ours,
};
use crate::object::{Key, Object};
use crate::refusal;
use crate::scope::FIELD_MANAGER;

/// What became of one desired object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It did not exist.
    Created,
    /// It was not what it should be; and who beside us claimed a part of it.
    Updated(BTreeSet<String>),
    /// It is what it should be.
    Unchanged,
    /// It is being deleted; to be made again when it is gone.
    Terminating,
    /// The cluster does not know its kind.
    KindMissing,
    /// A user took it from us by its label: it is left as it is.
    Detached,
    /// A part of it stays though something else is asked for: what, and the next step.
    Kept(String),
}

/// Why an object could not be written or removed.
#[derive(Debug, thiserror::Error)]
pub enum OwnedError {
    /// Somebody else's object has the name.
    #[error(
        "{key} exists and is not ours: it is left alone; hand it over with the label netobserv-managed=true, or rename \
         or remove it, which is seen within 5 minutes"
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
    #[error("{step} {key}: {}", refusal::words(source))]
    Api {
        /// What was tried.
        step: &'static str,
        /// Which object.
        key: Key,
        /// Why.
        source: kube::Error,
    },
}

impl OwnedError {
    /// Whether the API server knows no such object, or no place for it.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Api { source: kube::Error::Api(status), .. } if status.is_not_found())
    }
}

/// Writes and removes.
pub struct Applier {
    client: Client,
    pub(super) observed: Observed,
    /// Answers to our own writes that the watches may not have brought yet.
    pub(super) recent: HashMap<Key, Arc<DynamicObject>>,
    /// What users took from us, as of the last time it was to be written.
    detached: HashMap<Key, Arc<DynamicObject>>,
}

/// Who may have changed back what we write now: nobody, where we want something else than before.
pub(super) fn contestants(object: &Object, live: &DynamicObject) -> BTreeSet<String> {
    if object.has_changed_since(live) {
        return BTreeSet::new();
    }
    adopt::other_managers(live, object)
}

impl Applier {
    /// Works on what `observed` sees.
    pub fn new(client: Client, observed: Observed) -> Self {
        Self {
            client,
            observed,
            recent: HashMap::new(),
            detached: HashMap::new(),
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
            self.detached.remove(key);
            self.write(&api, object).await?;
            tracing::info!(object = %key, "created");
            return Ok(Outcome::Created);
        };
        if is_detached(&live) {
            if self.detached.insert(key.clone(), live).is_none() {
                tracing::info!(object = %key, "detached by its label: left as it is");
            }
            return Ok(Outcome::Detached);
        }
        self.detached.remove(key);
        if !is_ours(&live) && !is_shared(kind, &live) {
            self.observed.expect(key);
            return Err(OwnedError::Stranger { key: key.clone() });
        }
        if live.metadata.deletion_timestamp.is_some() {
            return Ok(Outcome::Terminating);
        }
        if claim::is_claim(kind) {
            return self.apply_claim(&api, object, &live).await;
        }
        let unowned = is_shared(kind, &live).then(|| object.without_owner());
        let object = unowned.as_ref().unwrap_or(object);
        let Some(difference) = difference(object, &live) else {
            return Ok(Outcome::Unchanged);
        };
        if object.must_be_replaced(&live) {
            self.remove(kind, key.clone(), &live).await?;
        } else if adopt::has_other_managers(&live, object) || object.leaves_replicas() {
            self.adopt(&api, kind, object).await?;
        }
        self.write(&api, object).await?;
        tracing::info!(object = %key, difference, "updated");
        Ok(Outcome::Updated(contestants(object, &live)))
    }

    /// A desired object that a user took from us, as it was in the last run.
    pub fn detached(&self, key: &Key) -> Option<Arc<DynamicObject>> {
        self.detached.get(key).cloned()
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

    pub(super) async fn write(
        &mut self,
        api: &Api<DynamicObject>,
        object: &Object,
    ) -> Result<(), OwnedError> {
        let key = object.key();
        // Forced: what the live object says otherwise is not wanted, and it is ours.
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        let written = api
            .patch(&key.name, &parameters, &Patch::Apply(object.applied_body()))
            .await
            .map_err(|source| failed("apply", key, source))?;
        let written = if is_to_last(object) && has_our_owner(&written) {
            self.release(api, key, written).await?
        } else {
            written
        };
        self.recent.insert(key.clone(), Arc::new(written));
        Ok(())
    }

    /// Takes our resources out of the owners of what is to outlive them. The apply before does so only for what we
    /// claim ourselves.
    async fn release(
        &self,
        api: &Api<DynamicObject>,
        key: &Key,
        live: DynamicObject,
    ) -> Result<DynamicObject, OwnedError> {
        let owners = live.metadata.owner_references.iter().flatten();
        let others: Vec<_> = owners.filter(|owner| !owner_is_ours(owner)).collect();
        let patch = json!({"metadata": {
            "ownerReferences": others,
            "resourceVersion": live.metadata.resource_version,
        }});
        let parameters = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        api.patch(&key.name, &parameters, &Patch::Merge(patch))
            .await
            .map_err(|source| failed("release", key, source))
    }

    async fn adopt(
        &self,
        api: &Api<DynamicObject>,
        kind: &Kind,
        object: &Object,
    ) -> Result<(), OwnedError> {
        let key = object.key();
        // The watched copy does not hold whose each field is.
        let live = api
            .get(&key.name)
            .await
            .map_err(|source| failed("get", key, source))?;
        let claims_replicas = object.leaves_replicas() && adopt::claims_replicas(&live);
        if !claims_replicas && !adopt::has_other_managers(&live, object) {
            return Ok(());
        }
        let patch = adopt::patch(&live, object, &kind.resource().api_version);
        let patch = serde_json::from_value(patch)
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

    pub(super) fn api(&self, kind: &Kind, namespace: Option<&str>) -> Api<DynamicObject> {
        let resource = kind.resource();
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }
}

/// Why a live object must be written, or nothing.
pub(super) fn difference(object: &Object, live: &DynamicObject) -> Option<String> {
    let goes = is_to_last(object) && has_our_owner(live);
    object
        .difference_from(live)
        .or_else(|| goes.then(|| "it would go with its owner".to_owned()))
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

pub(super) fn key_of(kind: &Kind, object: &DynamicObject) -> Option<Key> {
    Some(Key {
        kind: kind.kind.to_owned(),
        group: kind.group.to_owned(),
        namespace: object.metadata.namespace.clone(),
        name: object.metadata.name.clone()?,
    })
}

pub(super) fn failed(step: &'static str, key: &Key, source: kube::Error) -> OwnedError {
    OwnedError::Api {
        step,
        key: key.clone(),
        source,
    }
}
