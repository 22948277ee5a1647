//! The HTTP API: routes, and what each needs to answer.
//!
//! Built by `app`. **Invariant:** handlers read parameters through `query` and answers through
//! `answer`; no value of a request reaches a source in another way.

mod auth;
#[cfg(test)]
mod contract;
mod error;
mod fields;
mod flows;
mod guard;
mod losses;
mod pack;
mod pages;
mod resources;
mod status;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{Request, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use tower_http::catch_panic::CatchPanicLayer;

pub use self::error::ApiError;
use crate::config::{FrontendConfig, ServerConfig};
use crate::losses::Losses;
use crate::metrics::Metrics;
use crate::query::plan::Planner;
use crate::sources::Source;

/// What handlers share.
#[derive(Clone)]
pub struct Api(Arc<Shared>);

struct Shared {
    source: Arc<dyn Source>,
    planner: Planner,
    frontend: String,
    losses: Losses,
    metrics: Metrics,
}

impl Api {
    /// Puts together what handlers need.
    pub fn new(
        source: Arc<dyn Source>,
        frontend: &FrontendConfig,
        losses: Losses,
        metrics: Metrics,
    ) -> Self {
        let planner = Planner {
            dictionary: crate::fields::dictionary(),
            aggregation_keys: frontend.aggregation_keys(),
        };
        // Text keys only, so this cannot fail.
        let frontend = serde_json::to_string(frontend).unwrap_or_default();
        Self(Arc::new(Shared {
            source,
            planner,
            frontend,
            losses,
            metrics,
        }))
    }

    fn planner(&self) -> &Planner {
        &self.0.planner
    }

    fn source(&self) -> &dyn Source {
        &*self.0.source
    }

    fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Runs a handler and notes how long it took and how it ended.
    async fn timed(
        &self,
        handler: &'static str,
        work: impl Future<Output = Result<Response, ApiError>>,
    ) -> Response {
        let started = Instant::now();
        let response = work.await.unwrap_or_else(IntoResponse::into_response);
        self.metrics()
            .call(handler, response.status().as_u16(), started.elapsed());
        response
    }
}

/// All routes of page and API.
pub fn router(api: Api, server: &ServerConfig) -> Router {
    let metrics = api.metrics().clone();
    let mut protected = Router::new()
        .route("/api/status", any(status::status))
        .route("/api/frontend-config", any(status::frontend_config))
        .route("/api/loki/ready", any(status::loki_ready))
        .route("/api/loki/metrics", any(status::loki_metrics))
        .route("/api/loki/buildinfo", any(status::loki_build_info))
        .route("/api/loki/config/limits", any(status::loki_limits))
        .route("/api/loki/flow/records", any(flows::records))
        .route("/api/loki/export", any(flows::export))
        .route("/api/flow/metrics", any(flows::metrics))
        .route("/api/resources/clusters", any(resources::clusters))
        .route("/api/resources/udns", any(resources::udns))
        .route("/api/resources/zones", any(resources::zones))
        .route("/api/resources/namespaces", any(resources::namespaces))
        .route("/api/resources/names", any(resources::names))
        .route("/api/k8s/resources/udnIds", any(resources::udn_ids))
        .route("/api/fields/{field}/values", any(fields::values))
        .route("/api/losses", any(losses::losses))
        .with_state(api)
        .layer(middleware::from_fn_with_state(
            server.auth_check,
            auth::check,
        ));
    if !server.is_guarded() {
        protected = protected.layer(middleware::from_fn(pack::pack));
    }
    Router::new()
        .merge(protected)
        .route("/role", any(auth::role).with_state(server.auth_check))
        .fallback_service(pages::service(&server.static_path))
        .layer(middleware::from_fn_with_state(
            cors_headers(server),
            add_headers,
        ))
        .layer(middleware::from_fn_with_state(
            guard::Guard::new(server, metrics),
            guard::check,
        ))
        .layer(CatchPanicLayer::custom(|_| {
            ApiError::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal error; see the log",
            )
            .into_response()
        }))
}

type Headers = Arc<[(HeaderName, HeaderValue)]>;

/// Headers of every answer: CORS as configured, and what keeps other sites out.
fn cors_headers(server: &ServerConfig) -> Headers {
    let mut headers = vec![(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    )];
    // The configuration was checked for texts that cannot be sent.
    let mut add = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value)
            && !value.is_empty()
        {
            headers.push((name, value));
        }
    };
    if let Some(origin) = server.origin() {
        add(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        add(header::ACCESS_CONTROL_ALLOW_METHODS, &server.cors_methods);
        add(header::ACCESS_CONTROL_ALLOW_HEADERS, &server.cors_headers);
        add(header::ACCESS_CONTROL_MAX_AGE, &server.cors_max_age);
    } else {
        add(
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        );
    }
    headers.into()
}

async fn add_headers(
    axum::extract::State(headers): axum::extract::State<Headers>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in headers.iter() {
        response.headers_mut().insert(name, value.clone());
    }
    response
}

/// Does what takes long without keeping an async thread.
async fn off_thread(
    work: impl FnOnce() -> Result<Response, ApiError> + Send + 'static,
) -> Result<Response, ApiError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        Err(ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal error; see the log",
        ))
    })
}

/// An answer in JSON.
fn json_bytes(bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], bytes).into_response()
}

/// The present time, Unix milliseconds.
fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
