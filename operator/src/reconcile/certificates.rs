//! Making and keeping the certificates that are ours: `desired` says which, [`Keeper`] keeps them in Secrets of the
//! operator's namespace.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Client;

use super::next::NOT_READY;
use crate::certificates::Keeper;
use crate::desired::Inputs;
use crate::desired::certificates::{Certificates, Maker, makers};

/// The rings that `inputs` need, and how long they stay as they are; of one that could not be read, how long to the next
/// try.
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
        let keeper = Keeper {
            client: client.clone(),
            namespace: namespace.to_owned(),
            name: ring.secret(),
            owner: Some(owner.clone()),
        };
        let kept = keeper.keep(&plan).await;
        let left = match &kept {
            Ok(keyring) => {
                let left = keyring.due(plan.lifetime).duration_since(Timestamp::now());
                Duration::try_from(left).unwrap_or_default()
            }
            Err(_) => NOT_READY,
        };
        due = Some(due.map_or(left, |due| due.min(left)));
        rings.insert(ring, kept.map_err(|error| error.to_string()));
    }
    (Certificates { rings }, due)
}
