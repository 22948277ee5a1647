//! A stop while Loki is away.

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

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_waits_for_room_is_stopped_in_time_and_counts_what_its_queue_holds() {
    const MESSAGES: u64 = 5;
    const FLOWS: u64 = 3000;
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
                "url": url, "batchSize": 10_000, "queueBytes": 50_000, "whenFull": "wait"}}}],
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
    stop.cancel();
    let outcome = tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap();
    let shown = registry.to_text();
    assert!(outcome.errors.is_empty(), "{outcome:?}");
    for cause in ["shutdown", "queue_full", "drain_timeout"] {
        assert!(
            lost(&shown, &format!("cause=\"{cause}\"")) > 0,
            "{cause}: {shown}"
        );
    }
    assert_eq!(lost(&shown, ""), MESSAGES * FLOWS);
}
