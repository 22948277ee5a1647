use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode, header};
use futures::future::join_all;
use futures::stream;
use tokio::sync::watch;
use tokio::time::Instant;
use tower::ServiceExt as _;

use super::{REQUEST_LIMIT, REQUESTS_MAX, router};

#[tokio::test(start_paused = true)]
async fn requests_whose_bodies_never_come_end_as_do_those_that_wait_behind_them() {
    let (_facts, known) = watch::channel(None);
    let router = router(known);
    let answers = (0..=REQUESTS_MAX).map(|_| {
        let body = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        let request = Request::post("/convert")
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .unwrap();
        router.clone().oneshot(request)
    });
    let start = Instant::now();
    let answers = tokio::time::timeout(REQUEST_LIMIT * 2, join_all(answers));
    for answer in answers.await.expect("all are answered") {
        assert_eq!(answer.unwrap().status(), StatusCode::REQUEST_TIMEOUT);
    }
    assert!(start.elapsed() < REQUEST_LIMIT + Duration::from_secs(1));
}
