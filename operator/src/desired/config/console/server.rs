//! The block `server`: where the console listens and whom it lets in.

use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::apis::duration::GoDuration;
use crate::apis::flowcollector::v1beta2::shared::ReferenceKind;
use crate::desired::Context;
use crate::desired::console::is_standalone;
use crate::desired::volumes::Volumes;
use crate::scope::console as scope;

/// Where the certificate is. NetObserv's console knows only this place.
const CERTIFICATE_FOLDER: &str = "/var/serving-cert";

#[skip_serializing_none]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Server {
    port: u16,
    cert_path: Option<String>,
    key_path: Option<String>,
    auth_check: &'static str,
    /// Only ours knows it: how long the built-in store may take for an answer.
    query_timeout: Option<GoDuration>,
}

/// A page of its own has no certificate and asks for no login; OpenShift's console brings both.
pub fn of(context: &Context, volumes: &mut Volumes) -> Server {
    let effective = context.effective;
    let is_standalone = is_standalone(context);
    if !is_standalone {
        add_certificate(volumes, scope::CERTIFICATE);
    }
    let file = |name: &str| (!is_standalone).then(|| format!("{CERTIFICATE_FOLDER}/{name}"));
    Server {
        port: effective.console_port(),
        cert_path: file("tls.crt"),
        key_path: file("tls.key"),
        auth_check: if is_standalone { "none" } else { "auto" },
        query_timeout: effective
            .uses_embedded_store()
            .then(|| effective.loki.read_timeout.clone())
            .flatten(),
    }
}

/// Mounts the certificate of that Secret, which has the volume's name too.
pub fn add_certificate(volumes: &mut Volumes, secret: &str) {
    volumes.add_read_only(secret, ReferenceKind::Secret, secret, CERTIFICATE_FOLDER);
}
