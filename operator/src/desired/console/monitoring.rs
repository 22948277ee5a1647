//! Scraping of the console's own metrics.

use k8s_openapi::api::core::v1::SecretKeySelector;

use super::METRICS;
use crate::apis::external::monitoring::{
    CertificateAuthority, Endpoint, NamespaceSelector, ServiceMonitor, ServiceMonitorSpec,
    TlsConfig,
};
use crate::desired::build::{Labels, metadata, selector};
use crate::desired::console::is_standalone;
use crate::desired::{Context, scrape};
use crate::scope::console as scope;

/// Time between two scrapes.
const INTERVAL: &str = "15s";

pub fn monitor(context: &Context) -> ServiceMonitor {
    let namespace = context.scope.namespace();
    // A page of its own has no certificate.
    let is_plain = is_standalone(context);
    let endpoint = Endpoint {
        port: METRICS.to_owned(),
        interval: INTERVAL.to_owned(),
        scheme: if is_plain { "http" } else { "https" }.to_owned(),
        tls_config: (!is_plain).then(|| tls(context, namespace)),
        ..Endpoint::default()
    };
    ServiceMonitor {
        metadata: metadata(scope::NAME, Some(namespace), Labels::new()),
        spec: ServiceMonitorSpec {
            endpoints: vec![endpoint],
            namespace_selector: NamespaceSelector {
                match_names: vec![namespace.to_owned()],
            },
            selector: selector(scope::NAME),
            ..ServiceMonitorSpec::default()
        },
    }
}

fn tls(context: &Context, namespace: &str) -> TlsConfig {
    let from_secret = |key: &str| SecretKeySelector {
        name: scope::CERTIFICATE.to_owned(),
        key: key.to_owned(),
        optional: None,
    };
    TlsConfig {
        server_name: format!("{}.{namespace}.svc", scope::NAME),
        ca: Some(scrape::cluster_authority(context)),
        cert: Some(CertificateAuthority {
            config_map: None,
            secret: Some(from_secret("tls.crt")),
        }),
        key_secret: Some(from_secret("tls.key")),
        ..TlsConfig::default()
    }
}
