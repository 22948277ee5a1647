//! What a client is told when the source cannot answer: the texts and statuses of NetObserv's console, which its page
//! looks for.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use plugin_backend::api::{Api, router};
use plugin_backend::config::{FrontendConfig, parse};
use plugin_backend::losses::Losses;
use plugin_backend::metrics::Metrics;
use plugin_backend::query::plan::{MetricsPlan, RecordsPlan, ValuesPlan};
use plugin_backend::sources::{
    Answer, Matrix, Records, Refusal, Source, SourceError, SourceLimits, Values,
};
use plugin_backend::store::Room;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// A source that has one answer to everything: an error; and perhaps a fault, or a reason to refuse flows.
#[derive(Clone)]
struct Failing {
    error: SourceError,
    fault: Option<&'static str>,
    refusal: Option<Refusal>,
}

impl Failing {
    fn fail<T: Send + 'static>(&self) -> Answer<'_, T> {
        let error = self.error.clone();
        Box::pin(async move { Err(error) })
    }
}

impl Source for Failing {
    fn records(&self, _: RecordsPlan) -> Answer<'_, Records> {
        self.fail()
    }

    fn metrics(&self, _: MetricsPlan) -> Answer<'_, Matrix> {
        self.fail()
    }

    fn values(&self, _: ValuesPlan) -> Answer<'_, Values> {
        self.fail()
    }

    fn limits(&self) -> SourceLimits {
        SourceLimits {
            records_max: 1,
            query_timeout_s: 1.0,
            retention_s: 1.0,
        }
    }

    fn fault(&self) -> Option<String> {
        self.fault.map(str::to_owned)
    }

    fn refusal(&self) -> Option<Refusal> {
        self.refusal.clone()
    }

    fn damaged(&self) -> Vec<(i64, i64)> {
        Vec::new()
    }
}

/// Asks a console over a source that fails so.
async fn ask(error: &SourceError, path: &str) -> (StatusCode, Value) {
    let source = Failing {
        error: error.clone(),
        fault: None,
        refusal: None,
    };
    ask_of(source, path).await
}

/// Asks a console over that source.
async fn ask_of(source: Failing, path: &str) -> (StatusCode, Value) {
    let folder = tempfile::tempdir().unwrap();
    let losses = Losses::open(folder.path(), Duration::from_hours(1), Vec::new(), 0).unwrap();
    let text = "server: {authCheck: none}\nstore: {path: /nowhere}";
    let server = parse("test.yaml", text).unwrap().config.server;
    let api = Api::new(
        Arc::new(source),
        &FrontendConfig::default(),
        losses,
        Metrics::new(|_| {}),
    );
    let request = Request::get(path).body(Body::empty()).unwrap();
    let answer = router(api, &server).oneshot(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn a_source_that_fails_is_told_as_loki_would_be() {
    let refused = SourceError::Refused {
        status: 504,
        message: "context deadline exceeded".into(),
    };
    let away = SourceError::Unavailable("it is away".into());
    let query = "Error from Loki query: [504] Loki message: context deadline exceeded";
    let label = "error while fetching label SrcK8S_Namespace values from Loki";
    for (path, of_refused, of_away) in [
        (
            "/api/loki/flow/records",
            query.to_owned(),
            "it is away".to_owned(),
        ),
        (
            "/api/loki/export?format=csv",
            query.to_owned(),
            "it is away".to_owned(),
        ),
        (
            "/api/flow/metrics?aggregateBy=app",
            query.to_owned(),
            "it is away".to_owned(),
        ),
        (
            "/api/fields/SrcAddr/values",
            query.to_owned(),
            "it is away".to_owned(),
        ),
        (
            "/api/resources/names?kind=Pod",
            format!("Loki query failed: {query}"),
            "Loki query failed: it is away".to_owned(),
        ),
        (
            "/api/resources/namespaces",
            format!("{label}: Loki message: context deadline exceeded"),
            format!("{label}: it is away"),
        ),
    ] {
        let answer = ask(&refused, path).await;
        let expected = (StatusCode::BAD_REQUEST, json!({ "message": of_refused }));
        assert_eq!(answer, expected, "{path}");
        let answer = ask(&away, path).await;
        let expected = (
            StatusCode::SERVICE_UNAVAILABLE,
            json!({ "message": of_away }),
        );
        assert_eq!(answer, expected, "{path}");
    }
    let (status, answer) = ask(&refused, "/api/status").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        answer["loki"],
        json!({
            "isEnabled": true, "namespacesCount": 0, "isReady": true, "errorCode": 400,
            "error": format!("Error while fetching label namespace values from Loki: {label}: Loki message: context deadline exceeded"),
        })
    );
}

#[tokio::test]
async fn prometheus_alone_cannot_answer() {
    let away = SourceError::Unavailable("it is away".into());
    let path = "/api/flow/metrics?aggregateBy=app&dataSource";
    let (status, answer) = ask(&away, &format!("{path}=prom")).await;
    let text = "Prometheus cannot answer this request: it is not configured as a data source";
    assert_eq!(
        (status, answer),
        (StatusCode::BAD_REQUEST, json!({ "promUnsupported": text }))
    );
    for source in ["auto", "loki", ""] {
        let (status, _) = ask(&away, &format!("{path}={source}")).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{source}");
    }
}

#[tokio::test]
async fn a_source_at_fault_is_not_ready() {
    let away = SourceError::Unavailable("it is away".into());
    let fault = "the store's ingest thread panicked: x";
    let source = Failing {
        error: away,
        fault: Some(fault),
        refusal: None,
    };
    let ask = async |path| ask_of(source.clone(), path).await;
    let (status, answer) = ask("/api/loki/ready").await;
    let expected = (StatusCode::SERVICE_UNAVAILABLE, json!({ "message": fault }));
    assert_eq!((status, answer), expected);
    let (status, answer) = ask("/api/status").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        answer["loki"],
        json!({"isEnabled": true, "namespacesCount": 0, "isReady": false, "error": fault, "errorCode": 503})
    );
}

#[tokio::test]
async fn a_source_that_takes_no_flows_is_ready_and_says_why() {
    let refusal = Refusal {
        kind: "disk_full",
        reason: "the store's disk is full: free some space".to_owned(),
        room: Some(Room {
            free: 5,
            needed: 110,
        }),
    };
    let told =
        json!({"kind": "disk_full", "reason": refusal.reason, "room": {"free": 5, "needed": 110}});
    let source = Failing {
        error: SourceError::Unavailable("it is away".into()),
        fault: None,
        refusal: Some(refusal),
    };
    let (_, answer) = ask_of(source, "/api/status").await;
    let loki = &answer["loki"];
    assert_eq!((&loki["isReady"], &loki["refusal"]), (&json!(true), &told));
}
