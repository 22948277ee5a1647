//! Metrics and health on their own port: `/metrics`, `/live`, `/ready`.
//!
//! **Invariant:** live as long as the process answers; ready from the moment all listeners are bound
//! until the drain begins, but for the time in which a thread of the store is at fault. A store that
//! refuses pushes leaves it ready: nobody could reach the page that says so otherwise.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::store::Store;

const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The routes; `draining` ends readiness.
pub fn router(metrics: Metrics, draining: CancellationToken, store: Store) -> Router {
    Router::new()
        .route("/metrics", get(text).with_state(metrics))
        .route("/live", get(|| async { "live\n" }))
        .route("/ready", get(ready).with_state((draining, store)))
}

async fn text(State(metrics): State<Metrics>) -> Response {
    ([(header::CONTENT_TYPE, TEXT)], metrics.text()).into_response()
}

async fn ready(State((draining, store)): State<(CancellationToken, Store)>) -> Response {
    if draining.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response();
    }
    match store.fault() {
        None => "ready\n".into_response(),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}
