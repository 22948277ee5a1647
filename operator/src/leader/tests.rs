use std::cell::Cell;
use std::time::Duration;

use axum::http::{Method, Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;
use serde_json::json;
use tokio::time::Instant;
use tower_test::mock;

use super::{DURATION, Leader, RENEW_LIMIT};

/// Seconds between the last write that the API server took and the end of holding. It answers the requests, a read and
/// a write in turn, after so many seconds each, and then none; a write takes when it arrives.
async fn held_after_the_last_write(answers: &[u64]) -> u64 {
    let (service, mut requests) = mock::pair::<Request<Body>, Response<Body>>();
    let leader = Leader::new(
        Client::new(service, "netobserv"),
        "netobserv",
        "we".to_owned(),
    );
    let held = serde_json::to_vec(&leader.lease(None)).unwrap();
    let written = Cell::new(Instant::now());
    let server = async {
        for seconds in answers {
            let (request, answer) = requests.next_request().await.unwrap();
            if request.method() == Method::PUT {
                written.set(Instant::now());
            }
            tokio::time::sleep(Duration::from_secs(*seconds)).await;
            answer.send_response(Response::new(held.clone().into()));
        }
        let _unanswered = requests.next_request().await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = leader.hold(Instant::now()) => {}
        () = server => {}
    }
    written.get().elapsed().as_secs_f64().round() as u64
}

#[tokio::test(start_paused = true)]
async fn a_holder_stops_before_another_may_begin_however_slow_the_answers_are() {
    const { assert!(RENEW_LIMIT.as_secs() < DURATION.as_secs()) };
    for (answers, expected) in [
        (vec![], RENEW_LIMIT.as_secs()),
        (vec![0, 0], RENEW_LIMIT.as_secs()),
        (vec![0, 7], RENEW_LIMIT.as_secs()),
        (vec![0, 3, 0, 3], RENEW_LIMIT.as_secs()),
        (vec![3, 4], RENEW_LIMIT.as_secs() - 3),
    ] {
        let held = held_after_the_last_write(&answers).await;
        assert_eq!(held, expected, "{answers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_was_on_its_way_does_not_hinder_giving_the_lease_up() {
    let (service, mut requests) = mock::pair::<Request<Body>, Response<Body>>();
    let client = Client::new(service, "netobserv");
    let leader = Leader::new(client, "netobserv", "we".to_owned());
    let held = serde_json::to_vec(&leader.lease(None)).unwrap();
    let conflict = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "the object has been modified", "reason": "Conflict", "code": 409});
    let refused = Response::builder()
        .status(StatusCode::CONFLICT)
        .body(Body::from(conflict.to_string().into_bytes()))
        .unwrap();
    let read = || Response::new(Body::from(held.clone()));
    let answers = [read(), refused, read(), read()];
    let server = async {
        let mut methods = Vec::new();
        for answer in answers {
            let (request, sender) = requests.next_request().await.unwrap();
            methods.push(request.method().clone());
            sender.send_response(answer);
        }
        methods
    };
    let both = async { tokio::join!(leader.release(), server).1 };
    let methods = tokio::time::timeout(DURATION, both).await.unwrap();
    assert_eq!(
        methods,
        [Method::GET, Method::PUT, Method::GET, Method::PUT]
    );
}
