//! Keeping a ring in a Secret, so that all managers show the same one and a restart changes nothing.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::Client;
use kube::api::{Api, PostParams};

use super::ring::{Keyring, Plan};
use crate::refusal;
use crate::scope::FIELD_MANAGER;

/// Why there is no ring.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// It cannot be made.
    #[error("make certificates: {0}")]
    Make(#[from] rcgen::Error),
    /// Somebody else's Secret has the name.
    #[error(
        "Secret {name} of namespace {namespace} exists and is not ours: it is left alone; rename or remove it"
    )]
    Stranger {
        /// Which Secret.
        name: &'static str,
        /// Of which namespace.
        namespace: String,
    },
    /// It cannot be kept.
    #[error(
        "{step} Secret {name} of namespace {namespace}: {}",
        refusal::words(source)
    )]
    Api {
        /// What was tried.
        step: &'static str,
        /// Which Secret.
        name: &'static str,
        /// Of which namespace.
        namespace: String,
        /// Why.
        source: kube::Error,
    },
}

/// Where one ring is kept.
#[derive(Clone)]
pub struct Keeper {
    /// For the Secret.
    pub client: Client,
    /// Of the Secret.
    pub namespace: String,
    /// Of the Secret.
    pub name: &'static str,
    /// With which the Secret goes; none if it stays.
    pub owner: Option<OwnerReference>,
}

impl Keeper {
    /// The ring, after it was made or advanced where that is due. Of several managers that do so at once one wins, and
    /// the others come again.
    pub async fn keep(&self, plan: &Plan) -> Result<Keyring, KeepError> {
        let existing = self.read().await?;
        if existing
            .as_ref()
            .is_some_and(|old| !Keyring::is_kept_in(old))
        {
            return Err(KeepError::Stranger {
                name: self.name,
                namespace: self.namespace.clone(),
            });
        }
        let old = existing.as_ref().and_then(Keyring::of);
        let (ring, is_new) = Keyring::advance(old, plan, Timestamp::now())?;
        if is_new || self.is_orphan(existing.as_ref()) {
            self.write(existing, &ring).await?;
        }
        Ok(ring)
    }

    /// Remembers that the authorities of the ring are announced, all of them: from then on counts the time until the
    /// next certificates are shown. A ring that has become another one meanwhile has others to announce.
    pub async fn announced(&self, ring: &Keyring) -> Result<(), KeepError> {
        let Some(announced) = ring.announced(Timestamp::now()) else {
            return Ok(());
        };
        let existing = self.read().await?;
        if existing.as_ref().and_then(Keyring::of).as_ref() == Some(ring) {
            self.write(existing, &announced).await?;
        }
        Ok(())
    }

    fn api(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    async fn read(&self) -> Result<Option<Secret>, KeepError> {
        let read = self.api().get_opt(self.name).await;
        read.map_err(|source| self.failed("read", source))
    }

    /// Whether it belongs to an owner that is gone, with whom it would go.
    fn is_orphan(&self, existing: Option<&Secret>) -> bool {
        let Some((owner, secret)) = self.owner.as_ref().zip(existing) else {
            return false;
        };
        let owners = secret.metadata.owner_references.iter().flatten();
        !owners.into_iter().any(|other| other.uid == owner.uid)
    }

    async fn write(&self, existing: Option<Secret>, ring: &Keyring) -> Result<(), KeepError> {
        let api = self.api();
        let parameters = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let (step, written) = if let Some(mut secret) = existing {
            ring.put_into(&mut secret);
            secret.metadata.managed_fields = None;
            if let Some(owner) = &self.owner {
                secret.metadata.owner_references = Some(vec![owner.clone()]);
            }
            // Fails if somebody else was first: the version is the one that was read.
            let written = api.replace(self.name, &parameters, &secret).await;
            ("renew", written)
        } else {
            let mut secret = Secret {
                metadata: ObjectMeta {
                    name: Some(self.name.to_owned()),
                    owner_references: self.owner.clone().map(|owner| vec![owner]),
                    ..ObjectMeta::default()
                },
                ..Secret::default()
            };
            ring.put_into(&mut secret);
            ("create", api.create(&parameters, &secret).await)
        };
        written.map_err(|source| self.failed(step, source))?;
        tracing::info!(secret = self.name, step, "certificates of our own");
        Ok(())
    }

    fn failed(&self, step: &'static str, source: kube::Error) -> KeepError {
        KeepError::Api {
            step,
            name: self.name,
            namespace: self.namespace.clone(),
            source,
        }
    }
}
