//! What the page asks before it asks for flows: status, its configuration, and facts about the
//! source as a ready Loki gives them.
//!
//! **Invariant:** towards the page the store is the source `loki`.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::resources::label_values;
use super::{Api, ApiError, json_bytes};
use crate::sources::Refusal;
use crate::version;

/// State of a source.
#[derive(Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SourceStatus {
    is_enabled: bool,
    namespaces_count: usize,
    is_ready: bool,
    error: String,
    error_code: u16,
    /// Why flows are not stored now; those stored before can still be asked for. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Refusal>,
}

/// State of all sources.
#[derive(Serialize, JsonSchema)]
pub(super) struct Status {
    loki: SourceStatus,
    prometheus: SourceStatus,
}

/// `GET /api/status`, always 200.
pub async fn status(State(api): State<Api>) -> Response {
    let mut loki = SourceStatus {
        is_enabled: true,
        is_ready: true,
        refusal: api.source().refusal(),
        ..SourceStatus::default()
    };
    match label_values(&api, &["SrcK8S_Namespace", "DstK8S_Namespace"]).await {
        Ok(namespaces) => loki.namespaces_count = namespaces.len(),
        Err(error) => {
            loki.error = format!(
                "Error while fetching label namespace values from Loki: {}",
                error.message()
            );
            loki.error_code = error.status().as_u16();
        }
    }
    if let Some(fault) = api.source().fault() {
        loki.is_ready = false;
        loki.error = fault;
        loki.error_code = StatusCode::SERVICE_UNAVAILABLE.as_u16();
    }
    Json(Status {
        loki,
        prometheus: SourceStatus::default(),
    })
    .into_response()
}

/// `GET /api/frontend-config`.
pub async fn frontend_config(State(api): State<Api>) -> Response {
    json_bytes(api.0.frontend.clone().into_bytes())
}

/// `GET /api/loki/ready`.
pub async fn loki_ready(State(api): State<Api>) -> Response {
    match api.source().fault() {
        None => "ready\n".into_response(),
        Some(fault) => ApiError::new(StatusCode::SERVICE_UNAVAILABLE, fault).into_response(),
    }
}

/// `GET /api/loki/metrics`.
pub async fn loki_metrics(State(api): State<Api>) -> Response {
    (
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        api.metrics().text(),
    )
        .into_response()
}

/// `GET /api/loki/buildinfo`.
pub async fn loki_build_info() -> Response {
    let info = json!({
        "version": version::VERSION,
        "revision": version::COMMIT,
        "branch": "",
        "buildUser": "",
        "buildDate": version::DATE,
        "goVersion": "",
    });
    (
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        info.to_string(),
    )
        .into_response()
}

/// `GET /api/loki/config/limits`.
pub async fn loki_limits(State(api): State<Api>) -> Response {
    let limits = api.source().limits();
    Json(json!({
        "max_entries_limit_per_query": limits.records_max,
        "query_timeout": format!("{}s", limits.query_timeout_s),
        "retention_period": format!("{}s", limits.retention_s),
    }))
    .into_response()
}
