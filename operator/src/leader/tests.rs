use std::cell::Cell;
use std::time::Duration;

use axum::http::{Method, Request, Response};
use kube::Client;
use kube::client::Body;
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
