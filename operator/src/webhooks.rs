//! The webhooks: the API server asks us to convert and to check our resources, by TLS on a port of its own.
//!
//! Served by every manager, also without the lease. **Invariant:** holds no rules; these are pure functions of `apis`.

mod convert;
mod inject;
#[cfg(test)]
mod tests;
mod told;
mod validate;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::post;
use kube::Client;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use self::inject::{Injector, Target};
use self::validate::FactsNow;
use crate::certificates::Lifetime;
use crate::http;
use crate::own_certificate;
use crate::scope::webhook::OWN_CERTIFICATE;
use crate::tls::{self, Current, Files};

/// Largest request body, in bytes.
const BODY_BYTES_MAX: usize = 8 << 20;
/// Requests worked on at once; others wait.
const REQUESTS_MAX: usize = 64;
/// From a request's head to its answer, also while it waits for others or for its own body. The API server waits no
/// longer by default.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// Where the webhooks are and who vouches for them.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Of cert-manager or of OpenShift's service CA. Without them the certificate is our own.
    pub files: Files,
    /// Namespace of the operator: of its Service, and of the Secret with our own certificate.
    pub namespace: String,
    /// How the API server reaches us when that is not by the Service: on the machine of a developer.
    pub url: Option<String>,
    /// Of our own certificate.
    pub lifetime: Lifetime,
}

/// Serves until the drain; `certificates` is told of each that is shown.
pub async fn serve(
    client: Client,
    settings: Settings,
    listener: TcpListener,
    certificates: watch::Sender<Current>,
    facts: FactsNow,
    drain: CancellationToken,
) {
    let current = certificates.subscribe();
    let serving = http::serve_tls("webhooks", listener, current, router(facts), drain);
    let keeping = async {
        if settings.files.are_there() {
            tls::follow(&settings.files, &certificates).await;
        } else {
            let target = Target::new(&settings.namespace, settings.url.as_deref());
            let hosts = target.names();
            let injector = Arc::new(Injector::new(client.clone(), target));
            let own = own_certificate::Settings {
                namespace: settings.namespace,
                secret: OWN_CERTIFICATE,
                authority: "netobserv-operator webhooks",
                hosts,
                lifetime: settings.lifetime,
            };
            let tell = |authorities: String| {
                let injector = injector.clone();
                async move { injector.inject(&authorities).await }
            };
            let changed = Arc::new(Notify::new());
            tokio::join!(
                own_certificate::follow(client.clone(), own, certificates, tell, changed.clone()),
                told::follow(&client, &changed),
            );
        }
    };
    tokio::select! {
        () = serving => {}
        () = keeping => {}
    }
}

/// What is asked, within its limits.
fn router(facts: FactsNow) -> Router {
    Router::new()
        .route("/convert", post(convert::handle))
        .route(
            "/validate-flows-netobserv-io-v1beta2-flowcollector",
            post(validate::flow_collector).with_state(facts),
        )
        .route(
            "/validate-flows-netobserv-io-v1alpha1-flowmetric",
            post(validate::flow_metric),
        )
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(GlobalConcurrencyLimitLayer::new(REQUESTS_MAX))
        // Outside: the wait for the others counts too.
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            REQUEST_LIMIT,
        ))
}
