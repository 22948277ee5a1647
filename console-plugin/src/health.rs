//! Metrics and health on their own port: `/metrics`, `/live`, `/ready`.
//!
//! **Invariant:** live as long as the process answers; ready from the moment all listeners are bound
//! until the drain begins.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The routes; `draining` ends readiness.
pub fn router(metrics: Metrics, draining: CancellationToken) -> Router {
    Router::new()
        .route("/metrics", get(text).with_state(metrics))
        .route("/live", get(|| async { "live\n" }))
        .route("/ready", get(ready).with_state(draining))
}

async fn text(State(metrics): State<Metrics>) -> Response {
    ([(header::CONTENT_TYPE, TEXT)], metrics.text()).into_response()
}

async fn ready(State(draining): State<CancellationToken>) -> Response {
    if draining.is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response()
    } else {
        "ready\n".into_response()
    }
}
