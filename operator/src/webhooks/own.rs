//! Our own certificate, for clusters without cert-manager and without OpenShift's service CA.
//!
//! It is kept in a Secret, so that all managers serve the same one and a restart changes nothing. A new one is made in
//! time; the API server is told to trust both before the new one is served.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Client;
use kube::api::{Api, PostParams};
use tokio::sync::watch;

use super::certificate::{self, Issued};
use super::inject::{Target, inject};
use crate::scope::webhook::OWN_CERTIFICATE as SECRET;
use crate::tls::{self, Current};

const AUTHORITY: &str = "ca.crt";
/// Of the certificate before this one, which another manager may still serve.
const PREVIOUS_AUTHORITY: &str = "previous-ca.crt";
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
/// When it ends.
const NOT_AFTER: &str = "flows.netobserv.io/not-after";

/// How often the Secret and what the API server was told are looked at: definitions may be installed after us.
const CHECK: Duration = Duration::from_mins(1);
/// After an error.
const RETRY: Duration = Duration::from_secs(2);

/// Why there is no certificate of our own.
#[derive(Debug, thiserror::Error)]
enum OwnError {
    #[error("make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    #[error("{step}: {source}")]
    Api {
        step: &'static str,
        source: kube::Error,
    },
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
}

/// Publishes the certificate and keeps it valid, for ever.
pub async fn follow(
    client: Client,
    namespace: &str,
    target: &Target,
    certificates: &watch::Sender<Current>,
) {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let mut served: Option<BTreeMap<String, ByteString>> = None;
    loop {
        let wait = match check(&client, &secrets, target, &mut served, certificates).await {
            Ok(()) => CHECK,
            Err(error) => {
                tracing::warn!(%error, "webhook certificate; trying again");
                RETRY
            }
        };
        tokio::time::sleep(wait).await;
    }
}

async fn check(
    client: &Client,
    secrets: &Api<Secret>,
    target: &Target,
    served: &mut Option<BTreeMap<String, ByteString>>,
    certificates: &watch::Sender<Current>,
) -> Result<(), OwnError> {
    let data = current(secrets, target).await?;
    let text = |key: &str| -> String {
        let bytes = data
            .get(key)
            .map(|bytes| bytes.0.clone())
            .unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    };
    let config = tls::settings(text(CERTIFICATE).as_bytes(), text(KEY).as_bytes())?;
    let authorities = format!("{}{}", text(AUTHORITY), text(PREVIOUS_AUTHORITY));
    inject(client, target, &authorities)
        .await
        .map_err(api("tell the API server where the webhooks are"))?;
    if served.as_ref() != Some(&data) {
        certificates.send_replace(Some(config));
        tracing::info!(secret = SECRET, "webhook certificate loaded");
        *served = Some(data);
    }
    Ok(())
}

/// What the Secret holds, after it was made or renewed where that is due. Of several managers that do so at once one
/// wins, and the others come again.
async fn current(
    secrets: &Api<Secret>,
    target: &Target,
) -> Result<BTreeMap<String, ByteString>, OwnError> {
    let now = Timestamp::now();
    let parameters = PostParams::default();
    let step = "keep the webhook certificate in a Secret";
    let existing = secrets
        .get_opt(SECRET)
        .await
        .map_err(api("read the webhook certificate"))?;
    let written = match existing {
        None => {
            let issued = certificate::issue(&target.names(), now)?;
            secrets.create(&parameters, &secret(None, issued)).await
        }
        Some(secret) if is_usable(&secret, target, now) => {
            return Ok(secret.data.unwrap_or_default());
        }
        Some(old) => {
            let issued = certificate::issue(&target.names(), now)?;
            secrets
                .replace(SECRET, &parameters, &secret(Some(old), issued))
                .await
        }
    };
    written
        .map(|secret| secret.data.unwrap_or_default())
        .map_err(api(step))
}

/// Names that the certificate was made for.
const NAMES: &str = "flows.netobserv.io/names";

fn is_usable(secret: &Secret, target: &Target, now: Timestamp) -> bool {
    let annotation = |key: &str| secret.metadata.annotations.as_ref()?.get(key);
    let is_valid = annotation(NOT_AFTER)
        .and_then(|time| time.parse().ok())
        .is_some_and(|not_after| !certificate::is_due(not_after, now));
    let data = secret.data.clone().unwrap_or_default();
    let has = |key| {
        data.get(key)
            .is_some_and(|bytes: &ByteString| !bytes.0.is_empty())
    };
    is_valid
        && annotation(NAMES) == Some(&target.names().join(","))
        && has(AUTHORITY)
        && has(CERTIFICATE)
        && has(KEY)
}

fn secret(old: Option<Secret>, issued: Issued) -> Secret {
    let old = old.unwrap_or_default();
    let previous = old.data.and_then(|mut data| data.remove(AUTHORITY));
    let mut data = BTreeMap::from([
        (
            AUTHORITY.to_owned(),
            ByteString(issued.authority.into_bytes()),
        ),
        (
            CERTIFICATE.to_owned(),
            ByteString(issued.certificate.into_bytes()),
        ),
        (KEY.to_owned(), ByteString(issued.key.into_bytes())),
    ]);
    data.extend(previous.map(|previous| (PREVIOUS_AUTHORITY.to_owned(), previous)));
    Secret {
        metadata: ObjectMeta {
            name: Some(SECRET.to_owned()),
            resource_version: old.metadata.resource_version,
            annotations: Some(BTreeMap::from([
                (NOT_AFTER.to_owned(), issued.not_after.to_string()),
                (NAMES.to_owned(), issued.names.join(",")),
            ])),
            ..ObjectMeta::default()
        },
        data: Some(data),
        ..Secret::default()
    }
}

fn api(step: &'static str) -> impl FnOnce(kube::Error) -> OwnError {
    move |source| OwnError::Api { step, source }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_secret_is_renewed_in_time_and_the_authority_before_it_stays_trusted() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let target = Target::new("ns", None);
        let made = |old, now| secret(old, certificate::issue(&target.names(), now).unwrap());
        let first = made(None, now);
        let later = now + SignedDuration::from_hours(61 * 24);
        let other = Target::new("elsewhere", None);
        let mut damaged = first.clone();
        damaged.data.as_mut().unwrap().remove(KEY);
        for (name, secret, target, now, expected) in [
            ("new", &first, &target, now, true),
            ("old", &first, &target, later, false),
            ("for other names", &first, &other, now, false),
            ("damaged", &damaged, &target, now, false),
        ] {
            assert_eq!(is_usable(secret, target, now), expected, "{name}");
        }
        let second = made(Some(first.clone()), later);
        let (first, second) = (first.data.unwrap(), second.data.unwrap());
        assert_ne!(first[AUTHORITY], second[AUTHORITY]);
        assert_eq!(first[AUTHORITY], second[PREVIOUS_AUTHORITY]);
    }
}
