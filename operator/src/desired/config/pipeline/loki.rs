//! The output that keeps flows.

use serde_json::{Value, json};

use super::connection::some;
use super::filter;
use super::graph::Graph;
use crate::apis::flowcollector::v1beta2::agent::Feature;
use crate::apis::flowcollector::v1beta2::loki::LokiAuthToken;
use crate::apis::flowcollector::v1beta2::processor::FilterTarget;
use crate::desired::Context;
use crate::desired::volumes::{TOKEN_FOLDER, Volumes};
use crate::scope::pipeline as scope;

/// Fields that flows are indexed by.
const LABELS: [&str; 8] = [
    "SrcK8S_Namespace",
    "SrcK8S_OwnerName",
    "SrcK8S_Type",
    "DstK8S_Namespace",
    "DstK8S_OwnerName",
    "DstK8S_Type",
    "K8S_FlowLayer",
    "FlowDirection",
];

/// Nothing where flows are not kept or where no address to write to is known.
pub fn add(context: &Context, graph: &mut Graph, trunk: &str, volumes: &mut Volumes) {
    let effective = &context.effective;
    let connection = effective.loki_connection();
    let Some(url) = connection.ingester_url.clone().and_then(some) else {
        return;
    };
    if !effective.uses_loki() {
        return;
    }
    let previous = filter::add_for(context, graph, trunk, FilterTarget::Loki);
    let has_token = matches!(
        connection.auth_token,
        Some(LokiAuthToken::Host | LokiAuthToken::Forward)
    );
    let mut client = json!({
        "follow_redirects": false,
        "enable_http2": false,
        "proxy_url": null,
    });
    if has_token {
        volumes.add_token(scope::NAME);
        let file = format!("{TOKEN_FOLDER}/{}", scope::NAME);
        client["authorization"] = json!({"type": "Bearer", "credentials_file": file});
    }
    let tls = connection.tls.filter(|tls| tls.enable == Some(true));
    let is_unchecked = tls
        .as_ref()
        .is_some_and(|tls| tls.insecure_skip_verify == Some(true));
    client["tls_config"] = json!({"insecure_skip_verify": is_unchecked});
    if let Some(tls) = tls.filter(|_| !is_unchecked) {
        let authority = volumes.add_certificate("loki-certs-ca", tls.ca_cert.as_ref());
        if let Some(file) = some(authority.certificate) {
            client["tls_config"]["ca_file"] = file.into();
        }
    }
    let parameters = writer(context, &url, connection.tenant_id, &client);
    graph.add_after(&previous, "loki", "write", "loki", parameters);
}

fn writer(context: &Context, url: &str, tenant: Option<String>, client: &Value) -> Value {
    let loki = &context.effective.loki;
    let advanced = loki.advanced.clone().unwrap_or_default();
    json!({
        "url": url,
        "tenantID": tenant.unwrap_or_default(),
        "batchWait": loki.write_batch_wait,
        "batchSize": loki.write_batch_size,
        "timeout": loki.write_timeout,
        "minBackoff": advanced.write_min_backoff,
        "maxBackoff": advanced.write_max_backoff,
        "maxRetries": advanced.write_max_retries,
        "labels": labels(context),
        "staticLabels": advanced.static_labels,
        "clientConfig": client,
        "timestampLabel": "TimeFlowEndMs",
        "timestampScale": "1ms",
    })
}

/// The labels of Loki's streams.
fn labels(context: &Context) -> Vec<&'static str> {
    let effective = &context.effective;
    let processor = &effective.processor;
    let mut labels = LABELS.to_vec();
    for (more, is_on) in [
        (&["_RecordType"][..], effective.tracks_conversations()),
        (
            &["K8S_ClusterName"],
            processor.multi_cluster_deployment == Some(true),
        ),
        (
            &["SrcK8S_Zone", "DstK8S_Zone"],
            processor.add_zone == Some(true),
        ),
        (&["UdnId"], effective.has_feature(Feature::UdnMapping)),
    ] {
        labels.extend(more.iter().filter(|_| is_on));
    }
    let advanced = effective.loki.advanced.as_ref();
    let excluded = advanced.and_then(|advanced| advanced.exclude_labels.as_ref());
    labels.retain(|label| !excluded.is_some_and(|names| names.iter().any(|name| name == label)));
    labels
}
