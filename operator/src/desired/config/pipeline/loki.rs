//! The output that keeps flows.

use std::collections::BTreeMap;

use serde::Serialize;

use super::filter;
use super::graph::Graph;
use super::stage::Settings;
use crate::apis::duration::GoDuration;
use crate::apis::flowcollector::loki_connection::LokiConnection;
use crate::apis::flowcollector::v1beta2::loki::LokiAuthToken;
use crate::apis::flowcollector::v1beta2::processor::FilterTarget;
use crate::desired::volumes::{TOKEN_FOLDER, Volumes, some};
use crate::desired::{Context, loki};
use crate::scope::pipeline as scope;

/// Settings of the stage.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Loki {
    url: String,
    #[serde(rename = "tenantID")]
    tenant_id: String,
    batch_wait: Option<GoDuration>,
    batch_size: Option<i64>,
    timeout: Option<GoDuration>,
    min_backoff: Option<GoDuration>,
    max_backoff: Option<GoDuration>,
    max_retries: Option<i32>,
    labels: Vec<&'static str>,
    static_labels: Option<BTreeMap<String, String>>,
    client_config: ClientConfig,
    timestamp_label: &'static str,
    timestamp_scale: &'static str,
}

/// The HTTP client, as Prometheus configures one.
#[derive(Debug, Serialize)]
struct ClientConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization: Option<Authorization>,
    tls_config: TlsConfig,
    follow_redirects: bool,
    enable_http2: bool,
    /// None: written as null.
    proxy_url: Option<String>,
}

#[derive(Debug, Serialize)]
struct Authorization {
    #[serde(rename = "type")]
    kind: &'static str,
    credentials_file: String,
}

#[derive(Debug, Serialize)]
struct TlsConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cert_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_file: Option<String>,
    insecure_skip_verify: bool,
}

/// Nothing where flows are not kept or where no address to write to is known.
pub fn add(context: &Context, graph: &mut Graph, trunk: &str, volumes: &mut Volumes) {
    let effective = context.effective;
    let connection = loki::connection(context);
    let Some(url) = connection.ingester_url.clone().and_then(some) else {
        return;
    };
    if !effective.uses_loki() {
        return;
    }
    let previous = filter::add_for(context, graph, trunk, FilterTarget::Loki);
    let section = &effective.loki;
    let advanced = section.advanced.clone().unwrap_or_default();
    let writer = Loki {
        url,
        batch_wait: section.write_batch_wait.clone(),
        batch_size: section.write_batch_size,
        timeout: section.write_timeout.clone(),
        min_backoff: advanced.write_min_backoff,
        max_backoff: advanced.write_max_backoff,
        max_retries: effective.loki_write_retries(),
        labels: effective.loki_labels(),
        static_labels: advanced.static_labels,
        client_config: client(context, &connection, volumes),
        tenant_id: connection.tenant_id.unwrap_or_default(),
        timestamp_label: "TimeFlowEndMs",
        timestamp_scale: "1ms",
    };
    graph.add_after(&previous, "loki", Settings::WriteLoki(Box::new(writer)));
}

fn client(context: &Context, connection: &LokiConnection, volumes: &mut Volumes) -> ClientConfig {
    let has_token = matches!(
        connection.auth_token,
        Some(LokiAuthToken::Host | LokiAuthToken::Forward)
    );
    let authorization = has_token.then(|| {
        volumes.add_token(scope::NAME);
        Authorization {
            kind: "Bearer",
            credentials_file: format!("{TOKEN_FOLDER}/{}", scope::NAME),
        }
    });
    let tls = connection.tls.as_ref();
    let tls = tls.filter(|tls| tls.enable == Some(true));
    let insecure_skip_verify = tls.is_some_and(|tls| tls.insecure_skip_verify == Some(true));
    let ca_file = tls.filter(|_| !insecure_skip_verify).and_then(|tls| {
        let authority = volumes.add_certificate("loki-certs-ca", tls.ca_cert.as_ref());
        some(authority.certificate)
    });
    // Only the store asks for one: NetObserv shows none to a Loki, and what is named there need not exist.
    let user = tls
        .filter(|_| context.effective.uses_embedded_store())
        .and_then(|tls| tls.user_cert.as_ref());
    let user = volumes.add_certificate("loki-certs-user", user);
    ClientConfig {
        authorization,
        tls_config: TlsConfig {
            ca_file,
            cert_file: some(user.certificate),
            key_file: some(user.key),
            insecure_skip_verify,
        },
        follow_redirects: false,
        enable_http2: false,
        proxy_url: None,
    }
}
