//! The client of the API server. A connection that falls silent without a word must stop nobody for ever: each request
//! has a limit for the head of its answer, and each answer one between two parts of it.

use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use hyper::{Request, Response};
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use tower::layer::layer_fn;
use tower::{BoxError, Service};
use tower_http::timeout::TimeoutBody;

/// For the head of an answer, and between two parts of one. Longer than the API server's own limit for a request
/// (`--request-timeout`, 60 s): one that waits for slow webhooks of others ends there, with a reason.
const ANSWER_LIMIT: Duration = Duration::from_secs(65);
/// Between two parts of a watch: more than the API server and [`kube::runtime::watcher`] let one last.
const WATCH_LIMIT: Duration = Duration::from_mins(6);

/// For all requests of the manager.
pub fn client(config: Config) -> Result<Client, kube::Error> {
    let builder = ClientBuilder::try_from(config)?;
    Ok(builder.with_layer(&layer_fn(Limited)).build())
}

/// A service whose requests have limits.
struct Limited<S>(S);

impl<S, B> Service<Request<Body>> for Limited<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<TimeoutBody<B>>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let silence = if is_watch(&request) {
            WATCH_LIMIT
        } else {
            ANSWER_LIMIT
        };
        let answer = tokio::time::timeout(ANSWER_LIMIT, self.0.call(request));
        Box::pin(async move {
            let no_answer = |_| {
                format!(
                    "the API server did not answer within {} s",
                    ANSWER_LIMIT.as_secs()
                )
            };
            let answer = answer.await.map_err(no_answer)??;
            Ok(answer.map(|body| TimeoutBody::new(silence, body)))
        })
    }
}

fn is_watch(request: &Request<Body>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    query
        .split('&')
        .any(|pair| matches!(pair, "watch=true" | "watch=1"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use axum::body::{Body as Answer, Bytes};
    use futures::StreamExt as _;
    use tokio::time::Instant;

    use super::*;

    /// Seconds until a request to `path` fails, where the head and then a first part of the answer take that long, and
    /// nothing follows.
    async fn seconds(path: &str, head: Duration, part: Duration) -> u64 {
        let server = tower::service_fn(move |_: Request<Body>| async move {
            tokio::time::sleep(head).await;
            let part = futures::stream::once(async move {
                tokio::time::sleep(part).await;
                Ok::<_, BoxError>(Bytes::from_static(b"{"))
            });
            let body = Answer::from_stream(part.chain(futures::stream::pending()));
            Ok::<_, BoxError>(Response::new(body))
        });
        let builder = ClientBuilder::new(server, "default");
        let client = builder.with_layer(&layer_fn(Limited)).build();
        let started = Instant::now();
        let request = Request::get(path).body(Vec::new()).unwrap();
        assert!(client.request_text(request).await.is_err());
        started.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn no_request_waits_for_ever() {
        let (soon, never) = (Duration::from_secs(1), Duration::from_hours(1));
        for (name, path, head, part, expected) in [
            ("no head", "/api/v1/pods/p", never, never, 65),
            ("no body", "/api/v1/pods/p", soon, never, 66),
            ("half a body", "/api/v1/pods?limit=5", soon, soon, 67),
            (
                "a watch without head",
                "/api/v1/pods?watch=true",
                never,
                never,
                65,
            ),
            (
                "a quiet watch",
                "/api/v1/pods?limit=5&watch=true",
                soon,
                soon,
                362,
            ),
        ] {
            assert_eq!(seconds(path, head, part).await, expected, "{name}");
        }
    }
}
