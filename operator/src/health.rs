//! `/healthz` and `/readyz`, as NetObserv's manifests probe them, and `/live` and `/ready`, as all components have them.
//!
//! **Invariant:** live as long as the process answers; ready from when the webhooks have a certificate until the drain
//! begins, also without the lease, since webhooks are served by every manager.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::tls::Current;

/// What readiness depends on.
#[derive(Clone)]
pub struct Readiness {
    /// Ends it.
    pub draining: CancellationToken,
    /// Of the webhooks; none where they are not served. Without one no connection to them comes about.
    pub certificate: Option<watch::Receiver<Current>>,
}

/// The routes.
pub fn router(readiness: Readiness) -> Router {
    let live = || async { "ok" };
    Router::new()
        .route("/healthz", get(live))
        .route("/live", get(live))
        .route("/readyz", get(ready))
        .route("/ready", get(ready))
        .with_state(readiness)
}

async fn ready(State(readiness): State<Readiness>) -> Response {
    let mut certificate = readiness.certificate.iter();
    let problem = if readiness.draining.is_cancelled() {
        Some("draining")
    } else if certificate.any(|certificate| certificate.borrow().is_none()) {
        Some("the webhooks have no certificate yet")
    } else {
        None
    };
    match problem {
        Some(problem) => (StatusCode::SERVICE_UNAVAILABLE, problem).into_response(),
        None => "ok".into_response(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::Arc;

    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_manager_is_ready_once_its_webhooks_can_be_reached_and_until_it_drains() {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let settings = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(rustls::server::ResolvesServerCertUsingSni::new()));
        let settings = Some(Arc::new(settings));
        for (name, certificate, is_draining, expected) in [
            ("without webhooks", None, false, 200),
            ("without certificate", Some(None), false, 503),
            ("with a certificate", Some(settings.clone()), false, 200),
            ("draining", Some(settings), true, 503),
        ] {
            let readiness = Readiness {
                draining: CancellationToken::new(),
                certificate: certificate.map(|current| watch::channel(current).1),
            };
            if is_draining {
                readiness.draining.cancel();
            }
            for (path, expected) in [("/ready", expected), ("/readyz", expected), ("/live", 200)] {
                let request = Request::get(path).body(Body::empty()).unwrap();
                let answer = router(readiness.clone()).oneshot(request).await.unwrap();
                assert_eq!(answer.status(), expected, "{name}: {path}");
            }
        }
    }
}
