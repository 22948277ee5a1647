use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode, header};
use futures::future::join_all;
use futures::stream;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;
use tower::ServiceExt as _;

use super::{REQUEST_LIMIT, REQUESTS_MAX, router, validate};

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

#[tokio::test]
async fn rules_that_came_after_an_object_hinder_neither_its_removal_nor_what_leaves_its_specification()
 {
    let metric = |spec: &Value, is_going: bool| {
        let deleted = is_going.then_some("2026-01-01T00:00:00Z");
        json!({"apiVersion": "flows.netobserv.io/v1alpha1", "kind": "FlowMetric",
            "metadata": {"name": "m", "namespace": "n", "deletionTimestamp": deleted}, "spec": spec})
    };
    let bad = json!({"metricName": "m", "type": "Counter", "divider": "x"});
    let worse = json!({"metricName": "m", "type": "Counter", "divider": "y"});
    for (name, old, new, is_allowed) in [
        ("new", None, metric(&bad, false), false),
        (
            "the same",
            Some(metric(&bad, false)),
            metric(&bad, false),
            true,
        ),
        (
            "edited",
            Some(metric(&bad, false)),
            metric(&worse, false),
            false,
        ),
        (
            "going",
            Some(metric(&worse, true)),
            metric(&bad, true),
            true,
        ),
    ] {
        let kind =
            json!({"group": "flows.netobserv.io", "version": "v1alpha1", "kind": "FlowMetric"});
        let resource = json!({"group": "flows.netobserv.io", "version": "v1alpha1", "resource": "flowmetrics"});
        let operation = if old.is_some() { "UPDATE" } else { "CREATE" };
        let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "u", "kind": kind, "resource": resource, "name": "m", "operation": operation,
            "userInfo": {}, "object": new, "oldObject": old,
        }});
        let review = serde_json::from_value(review).unwrap();
        let answer = validate::flow_metric(axum::Json(review)).await;
        let answer = serde_json::to_value(answer.0).unwrap();
        assert_eq!(
            answer["response"]["allowed"], is_allowed,
            "{name}: {answer}"
        );
        let warnings = answer["response"]["warnings"]
            .as_array()
            .map_or(0, Vec::len);
        assert_eq!(warnings > 0, is_allowed, "{name}: {answer}");
    }
}
