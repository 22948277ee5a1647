//! Who may ask. This version knows everybody and nobody; checks of tokens need Kubernetes and are
//! refused by the configuration.
//!
//! **Invariant:** what is not explicitly open is closed.

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::config::AuthCheck;

/// Lets a request through or answers 401, as plain text like NetObserv's.
pub async fn check(State(auth): State<AuthCheck>, request: Request<Body>, next: Next) -> Response {
    match auth {
        AuthCheck::None => next.run(request).await,
        AuthCheck::DenyAll => {
            (StatusCode::UNAUTHORIZED, "deny all auth mode selected").into_response()
        }
        AuthCheck::Auto | AuthCheck::Authenticated | AuthCheck::Admin => {
            (StatusCode::UNAUTHORIZED, "user not authenticated").into_response()
        }
    }
}

/// What the caller is.
pub async fn role(State(auth): State<AuthCheck>) -> &'static str {
    if auth == AuthCheck::None {
        "admin"
    } else {
        "dev"
    }
}
