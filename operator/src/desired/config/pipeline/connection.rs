//! TLS and SASL of connections that the pipeline opens.

use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::apis::flowcollector::v1beta2::shared::{ClientTls, Sasl, SaslType};
use crate::desired::volumes::{Volumes, some};

/// How the other side is checked and what is shown to it.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    insecure_skip_verify: Option<bool>,
    ca_cert_path: Option<String>,
    user_cert_path: Option<String>,
    user_key_path: Option<String>,
}

/// None means plain text.
pub fn tls(
    given: Option<&ClientTls>,
    authority: &str,
    user: &str,
    volumes: &mut Volumes,
) -> Option<Tls> {
    let given = given.filter(|tls| tls.enable == Some(true))?;
    let is_unchecked = given.insecure_skip_verify == Some(true);
    let authority = if is_unchecked {
        String::new()
    } else {
        volumes
            .add_certificate(authority, given.ca_cert.as_ref())
            .certificate
    };
    let user = volumes.add_certificate(user, given.user_cert.as_ref());
    Some(Tls {
        insecure_skip_verify: is_unchecked.then_some(true),
        ca_cert_path: some(authority),
        user_cert_path: some(user.certificate),
        user_key_path: some(user.key),
    })
}

/// Who we are.
#[derive(Debug, Serialize)]
pub struct SaslFiles {
    #[serde(rename = "type")]
    mechanism: &'static str,
    #[serde(rename = "clientIDPath")]
    client_id_path: String,
    #[serde(rename = "clientSecretPath")]
    client_secret_path: String,
}

/// None means nobody asks who we are.
pub fn sasl(
    given: Option<&Sasl>,
    id: &str,
    secret: &str,
    volumes: &mut Volumes,
) -> Option<SaslFiles> {
    let given = given?;
    let mechanism = match given.kind? {
        SaslType::Disabled => return None,
        SaslType::Plain => "plain",
        SaslType::ScramSha512 => "scramSHA512",
    };
    Some(SaslFiles {
        mechanism,
        client_id_path: volumes.add_file(id, given.client_id_reference.as_ref()),
        client_secret_path: volumes.add_file(secret, given.client_secret_reference.as_ref()),
    })
}
