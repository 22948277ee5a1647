//! The first look at a request: its host, the length of its address, the size of its body.
//!
//! **Invariant:** on one host a page of another site can neither read an answer nor be served under
//! its own name (DNS rebinding): only names of this machine are answered.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt as _;

use super::ApiError;
use crate::config::ServerConfig;
use crate::hosts::{self, Hosts};
use crate::metrics::Metrics;

/// Longest path and query together; a filter of 1,000 addresses fits. The HTTP library's own limit,
/// which answers 414 too, is 64 KiB.
const ADDRESS_BYTES_MAX: usize = 48 << 10;
/// Largest body. No route reads one.
const BODY_BYTES_MAX: u64 = 2 << 20;
/// How much of a body is read and thrown away before the answer, and for how long.
const DISCARD_BYTES_MAX: u64 = 4 * BODY_BYTES_MAX;
const DISCARD_TIME_MAX: Duration = Duration::from_secs(2);

/// What is checked.
#[derive(Clone)]
pub struct Guard(Arc<Inner>);

struct Inner {
    /// None: any host is answered.
    hosts: Option<Hosts>,
    metrics: Metrics,
}

impl Guard {
    /// Checks hosts where the page is guarded.
    pub fn new(server: &ServerConfig, metrics: Metrics) -> Self {
        let hosts = server
            .is_guarded()
            .then(|| Hosts::new(&server.allowed_hosts));
        Self(Arc::new(Inner { hosts, metrics }))
    }

    fn refusal(&self, request: &Request<Body>) -> Option<(&'static str, ApiError)> {
        let length = request
            .uri()
            .path_and_query()
            .map_or(0, |address| address.as_str().len());
        if length > ADDRESS_BYTES_MAX {
            let text =
                format!("the address of the request is longer than {ADDRESS_BYTES_MAX} bytes");
            return Some(("uri_length", ApiError::new(StatusCode::URI_TOO_LONG, text)));
        }
        let body = request.headers().get(header::CONTENT_LENGTH);
        let body_length = body
            .and_then(|length| length.to_str().ok()?.parse::<u64>().ok())
            .unwrap_or(0);
        if body_length > BODY_BYTES_MAX {
            return Some(body_too_large());
        }
        if self.0.hosts.as_ref()?.has(request) {
            return None;
        }
        let error = ApiError::new(StatusCode::FORBIDDEN, hosts::REFUSAL);
        Some((hosts::REASON, error))
    }
}

/// Refuses what must not come in.
pub async fn check(State(guard): State<Guard>, request: Request<Body>, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let waits_for_permission = head.headers.contains_key(header::EXPECT);
    let request = Request::from_parts(head, Body::empty());
    let mut refusal = guard.refusal(&request);
    if refusal.is_none() || !waits_for_permission {
        let discarded = discard(body).await;
        if refusal.is_none() && discarded > BODY_BYTES_MAX {
            refusal = Some(body_too_large());
        }
    }
    match refusal {
        None => next.run(request).await,
        Some((reason, error)) => {
            guard.0.metrics.refused(reason);
            error.into_response()
        }
    }
}

fn body_too_large() -> (&'static str, ApiError) {
    let text = format!("the body of the request is larger than {BODY_BYTES_MAX} bytes");
    (
        "body_size",
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, text),
    )
}

/// Reads a body and throws it away, within limits; returns its length. A connection closed with unread
/// bytes is reset, and a client that is still sending may never see its answer (RFC 9112, 9.6).
async fn discard(mut body: Body) -> u64 {
    let mut length = 0;
    let reading = async {
        while length <= DISCARD_BYTES_MAX {
            let Some(Ok(frame)) = body.frame().await else {
                break;
            };
            length += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
    };
    // A body that is too slow is cut with the connection, after its answer.
    let _ = tokio::time::timeout(DISCARD_TIME_MAX, reading).await;
    length
}
