//! The block `loki`: where the console reads flows.

use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::apis::duration::GoDuration;
use crate::apis::flowcollector::loki_connection::LokiConnection;
use crate::apis::flowcollector::v1beta2::loki::LokiAuthToken;
use crate::apis::flowcollector::v1beta2::shared::ClientTls;
use crate::desired::volumes::{TOKEN_FOLDER, Volumes, some};
use crate::desired::{Context, LokiStack};
use crate::scope::console as scope;

#[skip_serializing_none]
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Loki {
    /// Empty: there is none.
    url: String,
    labels: Vec<&'static str>,
    status: Option<&'static str>,
    status_url: Option<String>,
    timeout: Option<GoDuration>,
    #[serde(rename = "tenantID")]
    tenant_id: Option<String>,
    token_path: Option<String>,
    skip_tls: Option<bool>,
    ca_path: Option<String>,
    status_skip_tls: Option<bool>,
    status_ca_path: Option<String>,
    status_user_cert_path: Option<String>,
    status_user_key_path: Option<String>,
    forward_user_token: Option<bool>,
}

/// Empty where flows are not kept; none beside the store, which only our console has, and which takes Loki's place.
pub fn of(context: &Context, volumes: &mut Volumes) -> Option<Loki> {
    let effective = context.effective;
    if effective.uses_embedded_store() {
        return None;
    }
    if !effective.uses_loki() {
        return Some(Loki::default());
    }
    let connection = effective.loki_connection();
    let url = connection.querier_url.clone().unwrap_or_default();
    let mut loki = Loki {
        labels: effective.loki_labels(),
        status_url: connection
            .status_url
            .clone()
            .and_then(some)
            .filter(|status| *status != url),
        url,
        timeout: effective.loki.read_timeout.clone(),
        tenant_id: connection.tenant_id.clone().and_then(some),
        ..Loki::default()
    };
    secure(&mut loki, &connection, volumes);
    if let Some(is_ready) = context.lokistack.and_then(LokiStack::is_ready) {
        // The operator knows better than a request to the stack, which few users may make.
        loki.status = Some(if is_ready { "ready" } else { "pending" });
        loki.status_url = None;
    }
    Some(loki)
}

/// Certificates and tokens.
fn secure(loki: &mut Loki, connection: &LokiConnection, volumes: &mut Volumes) {
    match connection.auth_token {
        Some(LokiAuthToken::Forward) => loki.forward_user_token = Some(true),
        Some(LokiAuthToken::Host) => loki.token_path = Some(add_token(volumes)),
        Some(LokiAuthToken::Disabled) | None => {}
    }
    if let Some(tls) = enabled(connection.tls.as_ref()) {
        (loki.skip_tls, loki.ca_path) = authority(tls, "loki-certs-ca", volumes);
    }
    if let Some(tls) = enabled(connection.status_tls.as_ref()) {
        (loki.status_skip_tls, loki.status_ca_path) =
            authority(tls, "loki-status-certs-ca", volumes);
        let user = volumes.add_certificate("loki-status-certs-user", tls.user_cert.as_ref());
        loki.status_user_cert_path = some(user.certificate);
        loki.status_user_key_path = some(user.key);
    }
}

/// TLS that is switched on.
pub fn enabled(tls: Option<&ClientTls>) -> Option<&ClientTls> {
    tls.filter(|tls| tls.enable == Some(true))
}

/// Whether any certificate will do, else where the authority is.
pub fn authority(
    tls: &ClientTls,
    volume: &str,
    volumes: &mut Volumes,
) -> (Option<bool>, Option<String>) {
    if tls.insecure_skip_verify == Some(true) {
        return (Some(true), None);
    }
    let path = volumes.add_certificate(volume, tls.ca_cert.as_ref());
    (None, some(path.certificate))
}

/// The token of the console's own account.
pub fn add_token(volumes: &mut Volumes) -> String {
    volumes.add_token(scope::NAME);
    format!("{TOKEN_FOLDER}/{}", scope::NAME)
}
