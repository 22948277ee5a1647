//! `GET /live` and `GET /ready`: does the pipeline run.
//!
//! `app` serves this on `healthAddr` (or the older `health.port`) and moves the state along.
//! **Invariant:** answers from one atomic; no answer waits for the pipeline.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use hyper::header::{ALLOW, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use crate::http::{self, Body};

const JSON: &str = "application/json; charset=utf-8";

/// Whether the pipeline runs: set after the ingesters started, cleared when the last stage has ended.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<AtomicBool>);

impl Health {
    pub fn set_running(&self, is_running: bool) {
        self.0.store(is_running, Relaxed);
    }

    /// Answers one request.
    pub fn answer<B>(&self, request: &Request<B>) -> Response<Body> {
        if !matches!(request.uri().path(), "/live" | "/ready") {
            return http::text(StatusCode::NOT_FOUND, "not here: see /live and /ready\n");
        }
        if request.method() != Method::GET {
            let mut response = http::text(StatusCode::METHOD_NOT_ALLOWED, "use GET\n");
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET"));
            return response;
        }
        let (status, check) = if self.0.load(Relaxed) {
            (StatusCode::OK, "OK")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "pipeline is not running")
        };
        let is_full = request
            .uri()
            .query()
            .is_some_and(|query| query.split('&').any(|part| part == "full=1"));
        let body = if is_full {
            format!("{{\n    \"PipelineCheck\": \"{check}\"\n}}\n")
        } else {
            "{}\n".into()
        };
        http::full(status, JSON, body)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use http_body_util::BodyExt;

    use super::*;

    async fn ask(health: &Health, method: &str, uri: &str) -> (u16, String) {
        let request = Request::builder().method(method).uri(uri).body(()).unwrap();
        let response = health.answer(&request);
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn answers_say_whether_the_pipeline_runs() {
        let health = Health::default();
        assert_eq!(ask(&health, "GET", "/ready").await, (503, "{}\n".into()));
        let (status, body) = ask(&health, "GET", "/live?full=1").await;
        assert_eq!(
            (status, body.contains("pipeline is not running")),
            (503, true)
        );
        health.set_running(true);
        assert_eq!(ask(&health, "GET", "/live").await, (200, "{}\n".into()));
        let (status, body) = ask(&health, "GET", "/ready?full=1").await;
        assert_eq!(
            (status, body.as_str()),
            (200, "{\n    \"PipelineCheck\": \"OK\"\n}\n")
        );
        assert_eq!(ask(&health, "POST", "/live").await.0, 405);
        assert_eq!(ask(&health, "GET", "/").await.0, 404);
    }
}
