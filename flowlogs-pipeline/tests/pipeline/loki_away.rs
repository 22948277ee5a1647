//! A stop while Loki is away.

use std::time::Instant;

use crate::loki::PATIENCE;
use crate::pipeline::send_over;
use flowlogs_pipeline::config::{Format, load_text};
use flowlogs_pipeline::ingest::protobuf::pbflow::{Record, Records};
use flowlogs_pipeline::metrics::{Operational, Registry};
use flowlogs_pipeline::topology::Topology;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tonic::transport::Endpoint;

/// Records counted as lost, for the causes that hold `cause`.
fn lost(shown: &str, cause: &str) -> u64 {
    let samples = shown
        .lines()
        .filter(|line| line.starts_with("netobserv_pipeline_records_dropped_total{"))
        .filter(|line| line.contains(cause));
    samples
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum()
}

/// Bytes that wait for Loki.
fn queued(shown: &str) -> u64 {
    let gauge = "netobserv_pipeline_loki_queue_bytes{stage=\"loki\"} ";
    let value = shown.lines().find_map(|line| line.strip_prefix(gauge));
    value.map_or(0, |value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_waits_for_room_is_stopped_in_time_and_counts_what_its_queue_holds() {
    const MESSAGES: u64 = 5;
    const FLOWS: u64 = 3000;
    const QUEUE_BYTES: u64 = 50_000;
    // Never listens.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let config = json!({
        "perfSettings": {"drainTimeout": "500ms"},
        "pipeline": [{"name": "loki", "follows": "grpc"}],
        "parameters": [
            {"name": "grpc", "ingest": {"type": "grpc", "grpc": {"port": 0, "address": "127.0.0.1"}}},
            {"name": "loki", "write": {"type": "loki", "loki": {
                "url": url, "batchSize": 10_000, "queueBytes": QUEUE_BYTES, "whenFull": "wait"}}}],
    });
    let loaded = load_text(&config.to_string(), Format::Json);
    let config = loaded.config.unwrap();
    let registry = Registry::default();
    let metrics = Operational::new(registry.clone(), "");
    let runtime = tokio::runtime::Handle::current();
    let topology = Topology::build(&config.graph, &config.perf, &metrics, &runtime).unwrap();
    let pipeline = format!("http://{}", topology.addresses()[0]);
    let stop = CancellationToken::new();
    let run = tokio::spawn(topology.run(stop.clone(), || {}));
    for message in 0..MESSAGES {
        let flow = |number| Record {
            bytes: message * FLOWS + number,
            ..Record::default()
        };
        let entries = (0..FLOWS).map(flow).collect();
        let endpoint = Endpoint::from_shared(pipeline.clone()).unwrap();
        send_over(endpoint, &Records { entries }).await.unwrap();
    }
    let deadline = Instant::now() + PATIENCE;
    while queued(&registry.to_text()) < QUEUE_BYTES * 4 / 5 {
        assert!(Instant::now() < deadline, "{}", registry.to_text());
        tokio::task::yield_now().await;
    }
    stop.cancel();
    let outcome = tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap();
    let shown = registry.to_text();
    assert!(outcome.errors.is_empty(), "{outcome:?}");
    // What came behind the record that waited for room is also "drain_timeout", or "queue_full" if the writer was faster.
    for cause in ["shutdown", "queue_full"] {
        assert!(
            lost(&shown, &format!("cause=\"{cause}\"")) > 0,
            "{cause}: {shown}"
        );
    }
    assert_eq!(lost(&shown, ""), MESSAGES * FLOWS);
}
