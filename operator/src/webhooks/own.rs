//! Our own certificate, for clusters without cert-manager and without OpenShift's service CA: a ring with one
//! certificate, kept in a Secret. The API server is told to trust the next authority as soon as there is one.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Client;
use tokio::sync::watch;

use super::inject::{Target, inject};
use crate::certificates::{KeepError, Keeper, Leaf, Lifetime, Pair, Plan};
use crate::deployment;
use crate::scope::webhook::OWN_CERTIFICATE as SECRET;
use crate::tls::{self, Current};

/// Name of the certificate in its ring; with it the Secret's keys are those of any TLS Secret.
const LEAF: &str = "tls";

/// How often the Secret and what the API server was told are looked at: definitions may be installed after us.
const CHECK: Duration = Duration::from_mins(1);
/// After an error, and the least between two looks.
const RETRY: Duration = Duration::from_secs(2);

/// Why there is no certificate of our own.
#[derive(Debug, thiserror::Error)]
enum OwnError {
    #[error(transparent)]
    Keep(#[from] KeepError),
    #[error("tell the API server where the webhooks are: {0}")]
    Inject(kube::Error),
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
}

/// Publishes the certificate and keeps it valid, for ever.
pub async fn follow(
    client: Client,
    namespace: &str,
    target: &Target,
    lifetime: Lifetime,
    certificates: &watch::Sender<Current>,
) {
    let keeper = Keeper {
        client: client.clone(),
        namespace: namespace.to_owned(),
        name: SECRET,
        owner: owner(&client, namespace).await,
    };
    let plan = Plan {
        authority: "netobserv-operator webhooks",
        leaves: vec![Leaf {
            name: LEAF,
            hosts: target.names(),
            is_client: false,
        }],
        lifetime,
    };
    let mut served = Pair::default();
    loop {
        let wait = match check(&client, &keeper, &plan, target, &mut served, certificates).await {
            Ok(left) => left.clamp(RETRY, CHECK),
            Err(error) => {
                tracing::warn!(%error, "webhook certificate; trying again");
                RETRY
            }
        };
        tokio::time::sleep(wait).await;
    }
}

/// The webhooks are there without a FlowCollector: their certificate goes with the manager's Deployment.
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
async fn check(
    client: &Client,
    keeper: &Keeper,
    plan: &Plan,
    target: &Target,
    served: &mut Pair,
    certificates: &watch::Sender<Current>,
) -> Result<Duration, OwnError> {
    let ring = keeper.keep(plan).await?;
    inject(client, target, &ring.authorities())
        .await
        .map_err(OwnError::Inject)?;
    let pair = ring.pair(LEAF);
    if *served != pair {
        let config = tls::settings(pair.certificate.as_bytes(), pair.key.as_bytes())?;
        certificates.send_replace(Some(config));
        tracing::info!(secret = SECRET, "webhook certificate loaded");
        *served = pair;
    }
    let left: SignedDuration = ring.due(plan.lifetime).duration_since(Timestamp::now());
    Ok(Duration::try_from(left).unwrap_or_default())
}
