//! Where Loki is, whatever the mode it is configured in.

use super::v1beta2::loki::{Loki, LokiAuthToken, LokiMode};
use super::v1beta2::shared::{CertificateReference, ClientTls, ReferenceKind};

/// URL of the Loki that the operator deploys for trying things out.
const DEMO_URL: &str = "http://loki:3100/";
/// Tenant of the Loki that the operator deploys for trying things out.
const DEMO_TENANT: &str = "netobserv";
/// Tenant of a LokiStack for network flows.
const LOKISTACK_TENANT: &str = "network";

/// Namespace and name of the LokiStack of a section `loki`; one without a namespace is in `namespace`.
pub fn stack(loki: &Loki, namespace: &str) -> (String, String) {
    let given = loki.loki_stack.clone().unwrap_or_default();
    let or = |text: String, default: &str| {
        if text.is_empty() {
            default.to_owned()
        } else {
            text
        }
    };
    let namespace = or(given.namespace.unwrap_or_default(), namespace);
    (namespace, or(given.name, "loki"))
}

/// How to reach Loki; what is `None` was not said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LokiConnection {
    pub ingester_url: Option<String>,
    pub querier_url: Option<String>,
    pub status_url: Option<String>,
    pub tenant_id: Option<String>,
    pub auth_token: Option<LokiAuthToken>,
    pub tls: Option<ClientTls>,
    pub status_tls: Option<ClientTls>,
}

impl LokiConnection {
    /// The connection of a section `loki`. `namespace` is where a LokiStack without a namespace is.
    /// The embedded store has none here: its address and certificates are the operator's own.
    pub fn of(loki: &Loki, namespace: &str) -> Self {
        match loki.mode {
            LokiMode::LokiStack => Self::lokistack(loki, namespace),
            LokiMode::Monolithic => Self::monolithic(loki),
            LokiMode::Microservices => {
                let section = loki.microservices.clone().unwrap_or_default();
                Self {
                    ingester_url: section.ingester_url,
                    status_url: section.querier_url.clone(),
                    querier_url: section.querier_url,
                    tenant_id: section.tenant_id,
                    status_tls: section.tls.clone(),
                    tls: section.tls,
                    auth_token: None,
                }
            }
            LokiMode::Manual => {
                let section = loki.manual.clone().unwrap_or_default();
                Self {
                    ingester_url: section.ingester_url,
                    querier_url: section.querier_url,
                    status_url: section.status_url,
                    tenant_id: section.tenant_id,
                    auth_token: section.auth_token,
                    tls: section.tls,
                    status_tls: section.status_tls,
                }
            }
            LokiMode::Embedded => Self::default(),
        }
    }

    fn monolithic(loki: &Loki) -> Self {
        let section = loki.monolithic.clone().unwrap_or_default();
        if section.install_demo_loki == Some(true) {
            return Self {
                ingester_url: Some(DEMO_URL.to_owned()),
                querier_url: Some(DEMO_URL.to_owned()),
                tenant_id: Some(DEMO_TENANT.to_owned()),
                auth_token: Some(LokiAuthToken::Disabled),
                ..Self::default()
            };
        }
        Self {
            ingester_url: section.url.clone(),
            querier_url: section.url.clone(),
            status_url: section.url,
            tenant_id: section.tenant_id,
            auth_token: None,
            status_tls: section.tls.clone(),
            tls: section.tls,
        }
    }

    fn lokistack(loki: &Loki, namespace: &str) -> Self {
        let (namespace, name) = stack(loki, namespace);
        let gateway = format!(
            "https://{name}-gateway-http.{namespace}.svc.cluster.local.:8080/api/logs/v1/network/"
        );
        let reference = |kind, object: String, cert_file: &str, cert_key: Option<&str>| {
            Some(CertificateReference {
                kind: Some(kind),
                name: Some(object),
                namespace: Some(namespace.clone()),
                cert_file: Some(cert_file.to_owned()),
                cert_key: cert_key.map(str::to_owned),
            })
        };
        let ca = |object| reference(ReferenceKind::ConfigMap, object, "service-ca.crt", None);
        Self {
            ingester_url: Some(gateway.clone()),
            querier_url: Some(gateway),
            status_url: Some(format!(
                "https://{name}-query-frontend-http.{namespace}.svc.cluster.local.:3100/"
            )),
            tenant_id: Some(LOKISTACK_TENANT.to_owned()),
            auth_token: Some(LokiAuthToken::Forward),
            tls: Some(ClientTls {
                enable: Some(true),
                ca_cert: ca(format!("{name}-gateway-ca-bundle")),
                ..ClientTls::default()
            }),
            status_tls: Some(ClientTls {
                enable: Some(true),
                ca_cert: ca(format!("{name}-ca-bundle")),
                user_cert: reference(
                    ReferenceKind::Secret,
                    format!("{name}-query-frontend-http"),
                    "tls.crt",
                    Some("tls.key"),
                ),
                ..ClientTls::default()
            }),
        }
    }
}
