//! What the Loki stage does when Loki fails, refuses, hangs or is away.

use std::time::Instant;

use serde_json::json;

use super::{Harness, NO_ANSWER, arrived, finish};
use crate::loki::{Answer, FakeLoki, flows, wait_until};

#[test]
fn what_may_pass_is_repeated_and_order_is_kept() {
    let harness = Harness::new();
    let mut stage = harness.stage(&json!({"batchSize": 500, "timeout": "10s"}));
    harness.fake.plan(&[
        Answer::Status(429),
        Answer::Status(500),
        Answer::Reset,
        Answer::Hang,
        Answer::Status(503),
    ]);
    stage.write(&flows(0..50));
    finish(stage);
    assert_eq!(arrived(&harness.fake), (0..50).collect::<Vec<_>>());
    let first = &harness.fake.pushed()[0].request;
    let same = harness
        .fake
        .pushed()
        .iter()
        .filter(|push| push.request == *first)
        .count();
    assert_eq!(same, 6, "five failures and the success");
    assert_eq!(harness.metric("netobserv_loki_batch_retries_total", ""), 5);
    assert_eq!(
        harness.metric("netobserv_loki_dropped_entries_total", ""),
        0
    );
    let durations = |status| {
        harness.metric(
            "netobserv_loki_request_duration_seconds_count",
            &format!("status_code=\"{status}\""),
        )
    };
    assert_eq!(
        [
            durations(429),
            durations(500),
            durations(503),
            durations(-1)
        ],
        [1, 1, 1, 2]
    );
}

#[test]
fn a_refused_batch_is_dropped_at_once_and_the_next_goes_on() {
    let harness = Harness::new();
    let mut stage = harness.stage(&json!({"batchSize": 1}));
    harness.fake.plan(&[
        Answer::Status(400),
        Answer::Status(204),
        Answer::Status(302),
    ]);
    stage.write(&flows(0..4));
    finish(stage);
    assert_eq!(arrived(&harness.fake), [1, 3]);
    assert_eq!(harness.lost("refused"), 2);
    assert_eq!(
        harness.metric("netobserv_loki_dropped_entries_total", ""),
        2
    );
    assert!(harness.metric("netobserv_loki_dropped_bytes_total", "") > 0);
    assert_eq!(harness.metric("netobserv_loki_batch_retries_total", ""), 0);
}

#[test]
fn a_batch_is_dropped_after_the_last_attempt() {
    let harness = Harness::new();
    let mut stage = harness.stage(&json!({"maxRetries": 4}));
    harness.fake.plan(&[Answer::Status(503); 4]);
    stage.write(&flows(0..7));
    finish(stage);
    assert_eq!(harness.fake.pushed().len(), 4);
    assert_eq!(harness.lost("retries_exhausted"), 7);
    assert_eq!(harness.metric("netobserv_loki_batch_retries_total", ""), 4);
}

#[test]
fn while_loki_hangs_the_stage_goes_on_and_counts_what_its_queue_cannot_hold() {
    let harness = Harness::new();
    let mut stage = harness.stage(&json!({"batchSize": 1000, "queueBytes": 2000, "timeout": "1h"}));
    harness.fake.plan(&[Answer::Hang]);
    for number in 0..100 {
        stage.write(&flows(number * 100..(number + 1) * 100));
    }
    let lost = harness.lost("queue_full");
    assert!(lost > 5000, "{lost}");
    stage.finish(Instant::now());
    assert_eq!(
        harness.lost("queue_full") + harness.lost("shutdown"),
        10_000
    );
    assert_eq!(
        harness.metric("netobserv_loki_dropped_entries_total", ""),
        10_000
    );
    assert_eq!(harness.metric("netobserv_pipeline_loki_queue_bytes", ""), 0);
}

#[test]
fn with_when_full_wait_nothing_is_lost() {
    let harness = Harness::new();
    let mut stage =
        harness.stage(&json!({"batchSize": 1000, "queueBytes": 500, "whenFull": "wait"}));
    harness.fake.plan(&[Answer::Status(503); 5]);
    stage.write(&flows(0..5000));
    finish(stage);
    assert_eq!(arrived(&harness.fake), (0..5000).collect::<Vec<_>>());
}

#[test]
fn records_are_sent_or_counted_whatever_loki_does() {
    let harness = Harness::new();
    let mut stage = harness.stage(&json!({"batchSize": 3000, "maxRetries": 2, "timeout": "100ms"}));
    let answers = [
        Answer::Status(429),
        Answer::Status(204),
        Answer::Reset,
        Answer::Reset,
        Answer::Status(400),
        Answer::Hang,
        Answer::Status(500),
        Answer::Status(200),
    ];
    harness.fake.plan(&answers);
    for number in 0..20 {
        stage.write(&flows(number * 50..(number + 1) * 50));
    }
    finish(stage);
    let sent = harness.metric("netobserv_loki_sent_entries_total", "");
    let dropped = harness.metric("netobserv_loki_dropped_entries_total", "");
    assert!(dropped > 0);
    assert_eq!(sent + dropped, 1000);
    assert_eq!(harness.metric("records_written", ""), 1000);
    assert_eq!(
        harness.metric("netobserv_pipeline_records_dropped_total", ""),
        dropped
    );
}

/// A port that refuses connections until it listens, and its address.
fn closed_port() -> (tokio::net::TcpSocket, std::net::SocketAddr) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[test]
fn loki_may_come_later_than_the_last_attempt_while_there_is_room() {
    let mut harness = Harness::new();
    let runtime = harness.runtime.handle().clone();
    let _runtime = runtime.enter();
    let (socket, address) = closed_port();
    let url = format!("http://{address}");
    let mut stage = harness.stage(&json!({"url": url, "batchSize": 1, "maxRetries": 2}));
    stage.write(&flows(0..2));
    let refused = || harness.metric(NO_ANSWER.0, NO_ANSWER.1);
    wait_until("connections were refused", || refused() >= 5);
    assert!(harness.fake.pushed().is_empty());
    harness.fake = FakeLoki::start_on(socket.listen(16).unwrap(), None);
    finish(stage);
    assert_eq!(arrived(&harness.fake), [0, 1]);
    assert_eq!(harness.lost("retries_exhausted"), 0);
}

#[test]
fn with_a_full_queue_a_refused_connection_is_an_attempt() {
    let harness = Harness::new();
    let _runtime = harness.runtime.enter();
    let (_socket, address) = closed_port();
    let url = format!("http://{address}");
    let settings = json!({"url": url, "batchSize": 1, "queueBytes": 1, "maxRetries": 3});
    let mut stage = harness.stage(&settings);
    let mut written = 0;
    wait_until("a batch was given up", || {
        stage.write(&flows(written..written + 2));
        written += 2;
        harness.lost("retries_exhausted") > 0
    });
    stage.finish(Instant::now());
    assert!(harness.metric(NO_ANSWER.0, NO_ANSWER.1) >= 3);
    let lost = ["retries_exhausted", "queue_full", "shutdown"].map(|cause| harness.lost(cause));
    assert_eq!(lost.iter().sum::<u64>(), written, "{lost:?}");
}
