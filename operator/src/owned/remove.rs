//! Removing what is not wanted any more.

use std::collections::HashSet;

use kube::api::{DeleteParams, Preconditions};
use kube::core::DynamicObject;

use super::apply::{Applier, OwnedError, failed, key_of};
use super::{KINDS, Kind, is_made_by_us, is_ours, is_prunable};
use crate::object::Key;

/// How often an object is read again that changes while it is being removed.
const ATTEMPTS_MAX: usize = 5;

impl Applier {
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

    /// Removes what we made and is not in `wanted`; a label alone, which a copy of one of our objects carries too, is not
    /// enough. Gives the keys of what went and of what could not be removed.
    pub async fn prune(&mut self, wanted: &HashSet<Key>) -> Vec<Result<Key, OwnedError>> {
        let mut results = Vec::new();
        for kind in KINDS {
            for live in self.observed.all(kind) {
                let Some(key) = key_of(kind, &live) else {
                    continue;
                };
                let is_going = live.metadata.deletion_timestamp.is_some();
                let is_removable = is_prunable(kind, &live) && is_made_by_us(&live);
                if wanted.contains(&key) || is_going || !is_removable {
                    continue;
                }
                results.push(self.remove(kind, key, &live).await);
            }
        }
        results
    }

    /// Removes just what was read: not another of the same name, and not one that somebody took from us meanwhile.
    pub(super) async fn remove(
        &mut self,
        kind: &Kind,
        key: Key,
        live: &DynamicObject,
    ) -> Result<Key, OwnedError> {
        let api = self.api(kind, key.namespace.as_deref());
        let uid = live.metadata.uid.clone();
        let mut version = live.metadata.resource_version.clone();
        for attempt in 1.. {
            let parameters = DeleteParams {
                preconditions: Some(Preconditions {
                    uid: uid.clone(),
                    resource_version: version,
                }),
                ..DeleteParams::background()
            };
            match api.delete(&key.name, &parameters).await {
                Ok(_) => {
                    tracing::info!(object = %key, "removed: no longer wanted");
                    break;
                }
                Err(kube::Error::Api(status)) if status.is_not_found() => break,
                Err(kube::Error::Api(status)) if status.is_conflict() && attempt < ATTEMPTS_MAX => {
                    let now = api
                        .get_opt(&key.name)
                        .await
                        .map_err(|source| failed("get", &key, source))?;
                    let Some(now) = now.filter(|now| now.metadata.uid == uid && is_ours(now))
                    else {
                        break;
                    };
                    version = now.metadata.resource_version;
                }
                Err(source) => return Err(failed("delete", &key, source)),
            }
        }
        self.recent.remove(&key);
        Ok(key)
    }
}
