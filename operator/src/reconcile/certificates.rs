//! Making and keeping the certificates that are ours: `desired` says which, [`Keeper`] keeps them in Secrets of the
//! operator's namespace, and is told when a run has announced whom to trust.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Client;

use super::next::NOT_READY;
use crate::certificates::{Keeper, Keyring};
use crate::desired::Inputs;
use crate::desired::certificates::{Certificates, Maker, Ring, announcements, makers};
use crate::desired::references::Content;
use crate::object::Key;
use crate::owned::{Applier, Kind};

/// The rings that `inputs` need, and how long they stay as they are; of one that could not be read or is still to be
/// announced, how long to the next try.
pub async fn keep(
    client: &Client,
    namespace: &str,
    owner: &OwnerReference,
    inputs: &Inputs<'_>,
) -> (Certificates, Option<Duration>) {
    let mut rings = BTreeMap::new();
    let mut due: Option<Duration> = None;
    for (ring, maker) in makers(inputs) {
        match maker {
            Maker::Operator => {}
            Maker::Unknown {
                reason,
                was_ours: true,
            } => {
                rings.insert(ring, Err(reason));
                continue;
            }
            Maker::Other | Maker::Unknown { .. } => continue,
        }
        let plan = ring.plan(inputs.scope);
        let kept = keeper(client, namespace, owner, ring).keep(&plan).await;
        let left = match &kept {
            Ok(keyring) => keyring.due(plan.lifetime).map_or(NOT_READY, |due| {
                let left = due.duration_since(Timestamp::now());
                Duration::try_from(left).unwrap_or_default()
            }),
            Err(_) => NOT_READY,
        };
        due = Some(due.map_or(left, |due| due.min(left)));
        rings.insert(ring, kept.map_err(|error| error.to_string()));
    }
    (Certificates { rings }, due)
}

fn keeper(client: &Client, namespace: &str, owner: &OwnerReference, ring: Ring) -> Keeper {
    Keeper {
        client: client.clone(),
        namespace: namespace.to_owned(),
        name: ring.secret(),
        owner: Some(owner.clone()),
    }
}

/// A ring whose authorities a run writes into objects.
pub struct Announcement {
    keeper: Keeper,
    keyring: Keyring,
    objects: Vec<(Key, &'static str)>,
}

/// What a run with these `inputs` announces.
pub fn announced_by(
    client: &Client,
    namespace: &str,
    owner: &OwnerReference,
    inputs: &Inputs<'_>,
) -> Vec<Announcement> {
    let rings = inputs.certificates.rings.iter();
    let kept = rings.filter_map(|(ring, kept)| Some((*ring, kept.as_ref().ok()?)));
    kept.map(|(ring, keyring)| Announcement {
        keeper: keeper(client, namespace, owner, ring),
        keyring: keyring.clone(),
        objects: announcements(inputs, ring),
    })
    .collect()
}

impl Announcement {
    /// After the run has written what it could: if all objects say whom to trust, that is remembered.
    pub async fn conclude(self, applier: &mut Applier) {
        let authorities = self.keyring.authorities();
        let says = |(key, name): &(Key, &str)| {
            let live = Kind::find(&key.group, &key.kind).and_then(|kind| applier.live(kind, key));
            live.is_some_and(|live| {
                Content::of(&key.kind, &live).get(name) == Some(authorities.as_bytes())
            })
        };
        if !self.objects.iter().all(says) {
            // What stands in the way is in the status.
            return;
        }
        if let Err(error) = self.keeper.announced(&self.keyring).await {
            tracing::warn!(%error, "cannot remember that the next authority is announced; trying again");
        }
    }
}
