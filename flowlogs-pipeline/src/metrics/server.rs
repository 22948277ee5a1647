//! The Prometheus server: `GET /metrics` over one registry.
//!
//! `app` starts the global one, a `prom` stage with an address of its own another.
//! **Invariant:** knows nothing but the registry it was given.

use http_body_util::BodyExt;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use super::registry::Registry;
use crate::http::{self, Body};

/// What a text exposition is called in HTTP.
const TEXT_FORMAT: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Answers one request.
pub fn answer<B>(registry: &Registry, request: &Request<B>) -> Response<Body> {
    if request.uri().path() != "/metrics" {
        return http::text(StatusCode::NOT_FOUND, "not here: see /metrics\n");
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut response = http::text(StatusCode::METHOD_NOT_ALLOWED, "use GET\n");
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let mut response = Response::new(registry.scrape().boxed());
    response.headers_mut().insert(CONTENT_TYPE, TEXT_FORMAT);
    response
}
