//! Leader election: one of several managers reconciles, the one that holds the Lease.
//!
//! Losing the Lease ends the process, so that two never write at once; ending well releases it, so that the next one
//! need not wait for it to expire. **Invariant:** a Lease is written only on top of the version that was read.

#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Client;
use kube::api::{Api, PostParams};
use tokio::time::Instant;

use crate::deployment;

/// Name of the Lease, the same as NetObserv's: the two operators never work at once.
pub const LEASE: &str = "7a7ecdcd.netobserv.io";
/// A holder that wrote nothing for this long has lost it.
const DURATION: Duration = Duration::from_secs(15);
/// A holder that could not write for this long stops itself; sooner than others may take it.
const RENEW_LIMIT: Duration = Duration::from_secs(10);
/// Time between two tries.
const RETRY: Duration = Duration::from_secs(2);
/// Time to give the Lease up; far shorter than a pod's grace.
const RELEASE_LIMIT: Duration = Duration::from_secs(5);

/// A candidate, later the holder.
pub struct Leader {
    client: Client,
    namespace: String,
    leases: Api<Lease>,
    identity: String,
}

/// What others wrote, and when we first saw it: clocks of two machines are not compared.
struct Seen {
    version: Option<String>,
    since: Instant,
}

impl Leader {
    /// Under a name that no other process has.
    pub fn new(client: Client, namespace: &str, identity: String) -> Self {
        Self {
            leases: Api::namespaced(client.clone(), namespace),
            client,
            namespace: namespace.to_owned(),
            identity,
        }
    }

    /// Waits until the Lease is ours; answers with when it was asked for, the earliest that others count from.
    pub async fn acquire(&self) -> Instant {
        let mut seen: Option<Seen> = None;
        let mut is_told = false;
        loop {
            let asked = Instant::now();
            match self.try_acquire(&mut seen).await {
                Ok(true) => {
                    tracing::info!(
                        lease = LEASE,
                        identity = self.identity,
                        "this manager leads"
                    );
                    return asked;
                }
                Ok(false) => {
                    if !std::mem::replace(&mut is_told, true) {
                        tracing::info!(lease = LEASE, "another manager leads, this one stands by");
                    }
                }
                Err(error) => {
                    tracing::warn!(lease = LEASE, %error, "cannot get the lease; trying again");
                }
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn try_acquire(&self, seen: &mut Option<Seen>) -> Result<bool, kube::Error> {
        let Some(lease) = self.leases.get_opt(LEASE).await? else {
            let mut lease = self.lease(None);
            let owner = deployment::owner(&self.client, &self.namespace).await?;
            lease.metadata.owner_references = owner.map(|owner| vec![owner]);
            return written(self.leases.create(&PostParams::default(), &lease).await);
        };
        if !self.may_take(&lease, seen) {
            return Ok(false);
        }
        let lease = self.lease(Some(lease));
        self.replace(&lease).await
    }

    /// Free, ours, or not renewed for as long as its holder promised to.
    fn may_take(&self, lease: &Lease, seen: &mut Option<Seen>) -> bool {
        let spec = lease.spec.clone().unwrap_or_default();
        let holder = spec.holder_identity.unwrap_or_default();
        if holder.is_empty() || holder == self.identity {
            return true;
        }
        let version = lease.metadata.resource_version.clone();
        match seen {
            Some(seen) if seen.version == version => {
                let promised = spec
                    .lease_duration_seconds
                    .and_then(|seconds| u64::try_from(seconds).ok())
                    .map_or(DURATION, Duration::from_secs);
                seen.since.elapsed() > promised
            }
            _ => {
                *seen = Some(Seen {
                    version,
                    since: Instant::now(),
                });
                false
            }
        }
    }

    /// Renews the Lease, which was last written at `renewed` or later; returns when it is lost, at the latest
    /// [`RENEW_LIMIT`] after the last renewal that took was asked for.
    pub async fn hold(&self, mut renewed: Instant) {
        loop {
            let round = async {
                tokio::time::sleep(RETRY).await;
                // Before the request: its answer may come long after the write that others see.
                (Instant::now(), self.renew().await)
            };
            match tokio::time::timeout_at(renewed + RENEW_LIMIT, round).await {
                Ok((asked, Ok(true))) => renewed = asked,
                Ok((_, Ok(false))) => {
                    tracing::error!(lease = LEASE, "another manager took the lease");
                    return;
                }
                Ok((_, Err(error))) => {
                    tracing::warn!(lease = LEASE, %error, "cannot renew the lease; trying again");
                }
                Err(_) => {
                    tracing::error!(
                        lease = LEASE,
                        "the lease could not be renewed for {} s",
                        RENEW_LIMIT.as_secs()
                    );
                    return;
                }
            }
        }
    }

    async fn renew(&self) -> Result<bool, kube::Error> {
        let lease = self.leases.get(LEASE).await?;
        let holder = lease
            .spec
            .as_ref()
            .and_then(|spec| spec.holder_identity.as_deref());
        if holder != Some(self.identity.as_str()) {
            return Ok(false);
        }
        let lease = self.lease(Some(lease));
        self.leases
            .replace(LEASE, &PostParams::default(), &lease)
            .await?;
        Ok(true)
    }

    /// Gives the Lease up, if it is ours, so that the next one need not wait.
    pub async fn release(&self) {
        let release = async {
            while !self.try_release().await? {}
            Ok::<_, kube::Error>(())
        };
        match tokio::time::timeout(RELEASE_LIMIT, release).await {
            Ok(Ok(())) => tracing::info!(lease = LEASE, "lease released"),
            Ok(Err(error)) => {
                tracing::warn!(lease = LEASE, %error, "cannot release the lease; it expires");
            }
            Err(_) => tracing::warn!(
                lease = LEASE,
                "releasing the lease takes too long; it expires"
            ),
        }
    }

    /// Whether the Lease is not ours any more. A renewal that was still on its way may come between.
    /// Answers whether it was written.
    async fn replace(&self, lease: &Lease) -> Result<bool, kube::Error> {
        let parameters = PostParams::default();
        written(self.leases.replace(LEASE, &parameters, lease).await)
    }

    async fn try_release(&self) -> Result<bool, kube::Error> {
        let mut lease = self.leases.get(LEASE).await?;
        let spec = lease.spec.get_or_insert_default();
        if spec.holder_identity.as_deref() != Some(self.identity.as_str()) {
            return Ok(true);
        }
        spec.holder_identity = Some(String::new());
        spec.lease_duration_seconds = Some(1);
        self.replace(&lease).await
    }

    /// The Lease as ours: made, taken over or renewed.
    fn lease(&self, previous: Option<Lease>) -> Lease {
        let now = MicroTime(Timestamp::now());
        let mut lease = previous.unwrap_or_else(|| Lease {
            metadata: ObjectMeta {
                name: Some(LEASE.to_owned()),
                ..ObjectMeta::default()
            },
            spec: None,
        });
        let spec: &mut LeaseSpec = lease.spec.get_or_insert_default();
        let is_new = spec.holder_identity.as_deref() != Some(self.identity.as_str());
        if is_new {
            spec.lease_transitions = Some(spec.lease_transitions.map_or(0, |count| count + 1));
            spec.acquire_time = Some(now.clone());
            spec.holder_identity = Some(self.identity.clone());
        }
        spec.lease_duration_seconds = i32::try_from(DURATION.as_secs()).ok();
        spec.renew_time = Some(now);
        lease
    }
}

/// Whether a write took; somebody who was faster is no error.
fn written(result: Result<Lease, kube::Error>) -> Result<bool, kube::Error> {
    match result {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.is_conflict() || status.is_already_exists() => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
