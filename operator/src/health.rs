//! `/healthz` and `/readyz`, as NetObserv's manifests probe them, and `/live` and `/ready`, as all components have them.
//!
//! **Invariant:** live as long as the process answers; ready from the start of the servers until the drain begins, also
//! without the lease, since webhooks are served by every manager.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio_util::sync::CancellationToken;

/// The routes; `draining` ends readiness.
pub fn router(draining: CancellationToken) -> Router {
    let live = || async { "ok" };
    Router::new()
        .route("/healthz", get(live))
        .route("/live", get(live))
        .route("/readyz", get(ready))
        .route("/ready", get(ready))
        .with_state(draining)
}

async fn ready(State(draining): State<CancellationToken>) -> Response {
    if draining.is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining").into_response()
    } else {
        "ok".into_response()
    }
}
