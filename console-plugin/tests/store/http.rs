//! The push API over HTTP, in process.

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use plugin_backend::store::{Store, push_router};
use tower::ServiceExt as _;

use crate::flows;
use crate::support::{T0, config, json_push, row_count};

async fn post(store: &Store, content_type: &str, body: impl Into<Body>) -> (StatusCode, String) {
    let request = Request::post("/loki/api/v1/push")
        .header("content-type", content_type)
        .body(body.into())
        .unwrap();
    let answer = push_router(store.clone()).oneshot(request).await.unwrap();
    let status = answer.status();
    let text = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(text.to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_are_answered_as_loki_does() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = config(folder.path());
    settings.limits.push_bytes = 20_000;
    let store = Store::open(settings).unwrap();
    let line = format!(r#"{{"TimeFlowEndMs":{T0}}}"#);
    let json = json_push(&[("app", "x")], &[(T0, &line)]);
    let protobuf = flows::Flows::new(1, 10, T0, 1_000).push(10);
    let no_content = (StatusCode::NO_CONTENT, String::new());
    assert_eq!(
        post(&store, "application/json; charset=utf-8", json.clone()).await,
        no_content
    );
    assert_eq!(
        post(&store, "application/x-protobuf", protobuf).await,
        no_content
    );
    assert_eq!(row_count(&store), 11);
    for (content_type, body, status, text) in [
        (
            "text/plain",
            "x".to_owned(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "content-type: ",
        ),
        (
            "application/json",
            "{".to_owned(),
            StatusCode::BAD_REQUEST,
            "not a JSON push request: EOF",
        ),
        (
            "application/x-protobuf",
            "\u{7f}".to_owned(),
            StatusCode::BAD_REQUEST,
            "not a snappy block",
        ),
        (
            "application/json",
            " ".repeat(20_001),
            StatusCode::PAYLOAD_TOO_LARGE,
            "store.limits.pushBytes",
        ),
    ] {
        let (found, answer) = post(&store, content_type, body).await;
        assert_eq!(found, status);
        assert!(answer.contains(text), "{answer}");
    }
    let closing = store.clone();
    tokio::task::spawn_blocking(move || closing.shutdown())
        .await
        .unwrap();
    let later = json_push(&[], &[(T0 + 1, "{}")]);
    let (status, text) = post(&store, "application/json", later).await;
    assert_eq!(
        (status, text.as_str()),
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the store is shutting down\n"
        )
    );
    assert_eq!(row_count(&store), 11);
}
