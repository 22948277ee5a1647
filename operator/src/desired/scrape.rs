//! How Prometheus reaches the metrics of a component, and the certificate the component serves them with.

use k8s_openapi::api::core::v1::{ConfigMapKeySelector, SecretKeySelector};

use super::Context;
use super::service_tls::{authority_name, pair};
use crate::apis::external::monitoring::{CertificateAuthority, Endpoint, TlsConfig};
use crate::apis::flowcollector::v1beta2::shared::{
    CertificateReference, FileReference, MetricsServer, ReferenceKind, ServerTls, ServerTlsType,
};
use crate::scope::authority;

/// File in the pods of OpenShift's own Prometheus, which reads no ConfigMaps of others.
const MONITORING_AUTHORITY: &str =
    "/etc/prometheus/configmaps/serving-certs-ca-bundle/service-ca.crt";

/// TLS of a metrics endpoint; none means plain text.
pub fn tls(server: Option<&MetricsServer>) -> Option<&ServerTls> {
    server
        .and_then(|server| server.tls.as_ref())
        .filter(|tls| tls.kind != ServerTlsType::Disabled)
}

/// Whether the cluster makes the certificate.
pub fn is_automatic(tls: Option<&ServerTls>) -> bool {
    tls.is_some_and(|tls| tls.kind == ServerTlsType::Auto)
}

/// The certificate that is served; an automatic one is in a Secret named like the Service.
pub fn certificate(tls: &ServerTls, service: &str) -> Option<CertificateReference> {
    match tls.kind {
        ServerTlsType::Disabled => None,
        ServerTlsType::Auto => Some(pair(service)),
        ServerTlsType::Provided => tls.provided.clone(),
    }
}

/// The port to scrape, with the scheme and the check of the certificate.
pub fn endpoint(
    context: &Context,
    tls: Option<&ServerTls>,
    port: &str,
    interval: &str,
    server: String,
) -> Endpoint {
    let plain = Endpoint {
        port: port.to_owned(),
        interval: interval.to_owned(),
        scheme: "http".to_owned(),
        ..Endpoint::default()
    };
    let Some(tls) = tls else { return plain };
    let is_automatic = tls.kind == ServerTlsType::Auto;
    let ca_file = (is_automatic && context.is_downstream).then_some(MONITORING_AUTHORITY);
    let (ca, insecure_skip_verify) = if ca_file.is_some() {
        (None, None)
    } else if is_automatic {
        (Some(cluster_authority(context)), None)
    } else {
        let given = given_authority(tls);
        (given.and_then(selected), Some(skips_check(tls)))
    };
    Endpoint {
        scheme: "https".to_owned(),
        tls_config: Some(TlsConfig {
            server_name: server,
            insecure_skip_verify,
            ca,
            ca_file,
            ..TlsConfig::default()
        }),
        ..plain
    }
}

/// The authority of automatic certificates.
pub fn cluster_authority(context: &Context) -> CertificateAuthority {
    CertificateAuthority {
        config_map: Some(ConfigMapKeySelector {
            name: authority_name(context).to_owned(),
            key: authority::KEY.to_owned(),
            optional: None,
        }),
        secret: None,
    }
}

/// Who must have signed a certificate that the user provides; none where nobody checks.
pub fn given_authority(tls: &ServerTls) -> Option<&FileReference> {
    tls.provided_ca_file.as_ref().filter(|_| !skips_check(tls))
}

fn skips_check(tls: &ServerTls) -> bool {
    tls.insecure_skip_verify == Some(true)
}

/// A reference without a name is none.
fn selected(file: &FileReference) -> Option<CertificateAuthority> {
    let name = file.name.clone().filter(|name| !name.is_empty())?;
    let key = file.file.clone().unwrap_or_default();
    Some(if file.kind == Some(ReferenceKind::ConfigMap) {
        CertificateAuthority {
            config_map: Some(ConfigMapKeySelector {
                name,
                key,
                optional: None,
            }),
            secret: None,
        }
    } else {
        CertificateAuthority {
            config_map: None,
            secret: Some(SecretKeySelector {
                name,
                key,
                optional: None,
            }),
        }
    })
}
