//! Certificates between agents and pipeline in the Service model.

use super::Context;
use super::certificates::Ring;
use crate::apis::flowcollector::v1beta2::DeploymentModel;
use crate::apis::flowcollector::v1beta2::processor::ServiceTlsType;
use crate::apis::flowcollector::v1beta2::shared::{
    CertificateReference, FileReference, ReferenceKind,
};
use crate::scope::{agent, authority, pipeline};

/// Where the certificates are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceTls {
    /// Whether they are not the user's.
    pub is_automatic: bool,
    /// The pipeline's own.
    pub server: Option<CertificateReference>,
    /// Who must have signed the agents' certificates; none asks agents for none.
    pub client_authority: Option<FileReference>,
    /// Who must have signed the pipeline's.
    pub authority: Option<FileReference>,
    /// The agents' own.
    pub client: Option<CertificateReference>,
}

/// The certificates; none means plain text.
pub fn service_tls(context: &Context) -> Option<ServiceTls> {
    let effective = context.effective;
    if matches!(
        effective.deployment_model,
        DeploymentModel::Direct | DeploymentModel::Kafka
    ) {
        return None;
    }
    match effective.service_tls() {
        ServiceTlsType::Disabled => None,
        ServiceTlsType::Auto => Some(automatic(context)),
        ServiceTlsType::AutoMutual => {
            let tls = automatic(context);
            // OpenShift's service CA signs no client.
            let client_authority = if context.certificates.are_ours(Ring::Components) {
                Some(authority_file(authority::OURS))
            } else {
                tls.authority.clone()
            };
            Some(ServiceTls {
                client_authority,
                client: Some(pair(agent::CERTIFICATE)),
                ..tls
            })
        }
        ServiceTlsType::Provided => {
            let service = effective.processor.service.as_ref();
            let given = service.and_then(|service| service.provided_certificates.clone());
            let given = given.unwrap_or_default();
            Some(ServiceTls {
                is_automatic: false,
                server: given.server_cert,
                client_authority: given
                    .ca_file
                    .clone()
                    .filter(|_| given.client_cert.is_some()),
                authority: given.ca_file,
                client: given.client_cert,
            })
        }
    }
}

fn automatic(context: &Context) -> ServiceTls {
    ServiceTls {
        is_automatic: true,
        server: Some(pair(pipeline::CERTIFICATE)),
        authority: Some(authority_file(authority_name(context))),
        ..ServiceTls::default()
    }
}

/// The authority in a ConfigMap of [`authority`].
pub fn authority_file(config_map: &str) -> FileReference {
    FileReference {
        kind: Some(ReferenceKind::ConfigMap),
        name: Some(config_map.to_owned()),
        file: Some(authority::KEY.to_owned()),
        ..FileReference::default()
    }
}

/// ConfigMap with the authority of automatic certificates.
pub fn authority_name(context: &Context) -> &'static str {
    if context.facts.is_openshift() {
        authority::OPENSHIFT
    } else {
        authority::OURS
    }
}

/// A Secret of the form that the service CA and cert-manager write.
pub fn pair(secret: &str) -> CertificateReference {
    CertificateReference {
        kind: Some(ReferenceKind::Secret),
        name: Some(secret.to_owned()),
        cert_file: Some("tls.crt".to_owned()),
        cert_key: Some("tls.key".to_owned()),
        ..CertificateReference::default()
    }
}
