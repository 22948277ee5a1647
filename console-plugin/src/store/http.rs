//! The push API: `POST /loki/api/v1/push`, answered as Loki does.
//!
//! Mounted by the composition root on the store's own listener.
//!
//! **Invariant:** 204 only for what is synced; 4xx for what no retry can mend, 429 and 5xx for what one can.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http_body_util::{BodyExt as _, Limited};

use super::push::Encoding;
use super::{Metrics, Store, StoreError};

/// How long a body may take to arrive: a writer that stalls must not keep the place of another.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Routes of the push listener.
pub fn push_router(store: Store) -> Router {
    Router::new()
        .route("/loki/api/v1/push", post(push))
        .route("/ready", get(ready))
        .with_state(store)
}

/// Of this listener, that is whether flows can be pushed.
async fn ready(State(store): State<Store>) -> Response {
    match store
        .fault()
        .or_else(|| store.refusal().map(|refusal| refusal.reason))
    {
        None => "ready\n".into_response(),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

async fn push(State(store): State<Store>, request: Request) -> Response {
    // Goes with the push until it is stored or refused, so that memory is bounded by the number of permits.
    let permits = Arc::clone(&store.inner.permits);
    let Ok(permit) = permits.acquire_owned().await else {
        return refused(&StoreError::Closed);
    };
    let encoding = match encoding(&request) {
        Ok(encoding) => encoding,
        Err(reason) => {
            Metrics::count(&store.inner.metrics.pushes_refused, "media_type", 1);
            return (StatusCode::UNSUPPORTED_MEDIA_TYPE, reason).into_response();
        }
    };
    let limit = store.inner.config.limits.push_bytes;
    let body = match read(request.into_body(), limit, BODY_TIMEOUT).await {
        Ok(body) => body,
        Err((cause, status, reason)) => {
            Metrics::count(&store.inner.metrics.pushes_refused, cause, 1);
            return (status, reason).into_response();
        }
    };
    let decoder = store.clone();
    let decode = move || decoder.begin_push(encoding, body, Some(permit));
    let queued = tokio::task::spawn_blocking(decode).await;
    let outcome = match queued {
        Ok(Ok(outcome)) => outcome.await.unwrap_or_else(|_| Err(store.unanswered())),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(store.unanswered()),
    };
    match outcome {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refused(&error),
    }
}

/// The whole body, or its cause for the metric and the answer.
async fn read(
    body: Body,
    limit: usize,
    time: Duration,
) -> Result<Bytes, (&'static str, StatusCode, String)> {
    match tokio::time::timeout(time, Limited::new(body, limit).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err((
            "too_large",
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is larger than {limit} bytes (store.limits.pushBytes)\n"),
        )),
        Ok(Err(error)) => Err((
            "unfinished",
            StatusCode::BAD_REQUEST,
            format!("the body ends early: {error}\n"),
        )),
        Err(_) => Err((
            "slow",
            StatusCode::SERVICE_UNAVAILABLE,
            format!("the body did not arrive within {time:?}\n"),
        )),
    }
}

fn encoding(request: &Request<Body>) -> Result<Encoding, &'static str> {
    let header = |name| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    // Protobuf is always one snappy block, whether or not the header says so.
    if !matches!(header(CONTENT_ENCODING), "" | "identity" | "snappy") {
        return Err("content-encoding: none, or snappy with protobuf, expected\n");
    }
    match header(CONTENT_TYPE).split(';').next().map(str::trim) {
        Some("application/x-protobuf") => Ok(Encoding::Protobuf),
        Some("application/json") => Ok(Encoding::Json),
        _ => Err("content-type: application/x-protobuf or application/json expected\n"),
    }
}

fn refused(error: &StoreError) -> Response {
    let status = match error {
        StoreError::Push(push) if push.kind() == "too_large" => StatusCode::PAYLOAD_TOO_LARGE,
        StoreError::Push(_) => StatusCode::BAD_REQUEST,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let text = format!("{error}\n");
    if status == StatusCode::SERVICE_UNAVAILABLE {
        return (status, [(RETRY_AFTER, "1")], text).into_response();
    }
    (status, text).into_response()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::pending;

    use http::HeaderMap;
    use http_body_util::Full;
    use tower::ServiceExt as _;

    use super::*;
    use crate::store::watch::INGEST;

    #[tokio::test]
    async fn readiness_tells_of_a_thread_that_panicked_until_it_works_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = crate::store::config::StoreConfig::at(folder.path());
        config.limits.free_bytes = 0;
        let store = Store::open(config).expect("a store");
        let ready = || async {
            let request = Request::get("/ready")
                .body(Body::empty())
                .expect("a request");
            let answer = push_router(store.clone()).oneshot(request).await;
            let answer = answer.expect("an answer");
            let status = answer.status();
            let body = answer.into_body().collect().await.expect("a body");
            (
                status,
                String::from_utf8_lossy(&body.to_bytes()).into_owned(),
            )
        };
        assert_eq!(ready().await, (StatusCode::OK, "ready\n".to_owned()));
        let watch = &store.inner.watch;
        watch.guard(INGEST, "commit", || panic!("no such column"));
        let fault = "the store's ingest thread panicked: no such column\n".to_owned();
        assert_eq!(ready().await, (StatusCode::SERVICE_UNAVAILABLE, fault));
        watch.guard(INGEST, "commit", || ());
        assert_eq!(ready().await.0, StatusCode::OK);
        // Not one that the file thread may withdraw at any moment.
        watch.refuse(&StoreError::Closed);
        let (status, reason) = ready().await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(reason.contains("shutting down"), "{reason}");
    }

    #[tokio::test]
    #[allow(
        clippy::await_holding_lock,
        reason = "it is what the push must wait for"
    )]
    async fn a_push_keeps_its_place_when_its_writer_goes_away() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = crate::store::config::StoreConfig::at(folder.path());
        config.limits.free_bytes = 0;
        config.limits.concurrent_pushes = 1;
        let store = Store::open(config).expect("a store");
        let permits = &store.inner.permits;
        // Who has decoded a push cannot queue it meanwhile.
        let queue = store.inner.jobs.lock().expect("no panic");
        let request = Request::post("/loki/api/v1/push")
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(r#"{"streams":[]}"#))
            .expect("a request");
        let pushed = push_router(store.clone()).oneshot(request);
        let is_decoding = async {
            while !store.inner.arriving.is_any() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = pushed => panic!("it cannot be answered"),
            () = is_decoding => {}
        }
        assert_eq!(permits.available_permits(), 0, "its memory is still taken");
        drop(queue);
        let place = tokio::time::timeout(Duration::from_mins(1), permits.acquire());
        assert!(place.await.is_ok(), "the place is given back");
    }

    #[tokio::test]
    async fn a_stalled_body_is_given_up() {
        let never = pending::<Option<Result<HeaderMap, Infallible>>>();
        let body = Body::new(Full::new(Bytes::from_static(b"{")).with_trailers(never));
        let read = read(body, 10, Duration::from_millis(1)).await;
        let (cause, status, _) = read.expect_err("the body never ends");
        assert_eq!((cause, status), ("slow", StatusCode::SERVICE_UNAVAILABLE));
    }
}
