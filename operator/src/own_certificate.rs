//! A server's certificate of our own, for clusters without cert-manager and without OpenShift's service CA: a ring with
//! one certificate, kept in a Secret, so that all managers show the same one.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Client;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::certificates::{KeepError, Keeper, Leaf, Lifetime, Pair, Plan};
use crate::deployment;
use crate::refusal;
use crate::tls::{self, Current};

/// Name of the certificate in its ring; with it the Secret's keys are those of any TLS Secret.
const LEAF: &str = "tls";

/// How often the Secret, and what others were told, is looked at: whom to tell may be there only after us.
const CHECK: Duration = Duration::from_mins(1);
/// After an error, and the least between two looks.
const RETRY: Duration = Duration::from_secs(2);

/// Which certificate.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Namespace of the Secret.
    pub namespace: String,
    /// Name of the Secret.
    pub secret: &'static str,
    /// Name of the authority.
    pub authority: &'static str,
    /// Names of the server.
    pub hosts: Vec<String>,
    /// When it is made anew.
    pub lifetime: Lifetime,
}

/// Why there is no certificate of our own.
#[derive(Debug, thiserror::Error)]
enum OwnError {
    #[error(transparent)]
    Keep(#[from] KeepError),
    #[error("tell others whom to trust: {}", refusal::words(.0))]
    Tell(kube::Error),
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
}

/// Publishes the certificate and keeps it valid, for ever. Before, `tell` is given the authorities to trust, again at
/// each look; `changed` asks for one.
pub async fn follow<T>(
    client: Client,
    settings: Settings,
    certificates: watch::Sender<Current>,
    tell: impl Fn(String) -> T,
    changed: Arc<Notify>,
) where
    T: Future<Output = Result<(), kube::Error>>,
{
    let keeper = Keeper {
        owner: owner(&client, &settings.namespace).await,
        client,
        namespace: settings.namespace,
        name: settings.secret,
    };
    let plan = Plan {
        authority: settings.authority,
        leaves: vec![Leaf {
            name: LEAF,
            hosts: settings.hosts,
            is_client: false,
        }],
        lifetime: settings.lifetime,
    };
    let mut served = Pair::default();
    loop {
        let wait = match check(&keeper, &plan, &tell, &mut served, &certificates).await {
            Ok(left) => left.clamp(RETRY, CHECK),
            Err(error) => {
                tracing::warn!(secret = keeper.name, %error, "certificate of our own; trying again");
                RETRY
            }
        };
        let looked = Instant::now();
        // Whoever changes it back each time must not keep us busy.
        if tokio::time::timeout(wait, changed.notified()).await.is_ok() {
            tokio::time::sleep_until(looked + RETRY).await;
        }
    }
}

/// The servers are there without a FlowCollector: their certificates go with the manager's Deployment.
async fn owner(client: &Client, namespace: &str) -> Option<OwnerReference> {
    loop {
        match deployment::owner(client, namespace).await {
            Ok(owner) => return owner,
            Err(error) => {
                tracing::warn!(%error, "cannot read the manager's own Deployment; trying again");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// How long the ring stays as it is.
async fn check<T>(
    keeper: &Keeper,
    plan: &Plan,
    tell: &impl Fn(String) -> T,
    served: &mut Pair,
    certificates: &watch::Sender<Current>,
) -> Result<Duration, OwnError>
where
    T: Future<Output = Result<(), kube::Error>>,
{
    let ring = keeper.keep(plan).await?;
    tell(ring.authorities()).await.map_err(OwnError::Tell)?;
    keeper.announced(&ring).await?;
    let pair = ring.pair(LEAF);
    if *served != pair {
        let config = tls::settings(pair.certificate.as_bytes(), pair.key.as_bytes())?;
        certificates.send_replace(Some(config));
        tracing::info!(secret = keeper.name, "certificate of our own loaded");
        *served = pair;
    }
    // What was announced just now is read again first.
    let now = Timestamp::now();
    let due = ring.due(plan.lifetime).unwrap_or(now);
    Ok(Duration::try_from(due.duration_since(now)).unwrap_or_default())
}
