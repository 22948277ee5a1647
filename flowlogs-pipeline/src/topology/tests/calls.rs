//! Tests of what agents are answered when the pipeline cannot take their flows.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use prost::Message as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::Endpoint;
use tonic::{Code, Status};

use super::raw_client::RawClient;
use super::{Probe, only, perf, until};
use crate::config::{GoDuration, PerfSettings};
use crate::ingest::grpc::{GrpcConfig, IngestGrpc};
use crate::ingest::protobuf::pbflow::{Record, Records};
use crate::metrics::{Operational, Registry};
use crate::stage::{BuildContext, Ingest};
use crate::topology::queue::Queue;
use crate::topology::{Outcome, Topology};

/// A gRPC ingester in front of a closed gate.
struct Server {
    probe: Probe,
    registry: Registry,
    address: SocketAddr,
    stop: CancellationToken,
    run: JoinHandle<Outcome>,
}

impl Server {
    fn start(capacity: usize, perf: PerfSettings) -> Self {
        let probe = Probe::default();
        probe.gate.store(true, SeqCst);
        let registry = Registry::default();
        let context = BuildContext {
            name: "grpc".into(),
            metrics: Operational::new(registry.clone(), ""),
            runtime: tokio::runtime::Handle::current(),
        };
        let config = GrpcConfig {
            port: Some(0),
            address: "127.0.0.1".into(),
            ..GrpcConfig::default()
        };
        let ingester = IngestGrpc::new(&config, &context).unwrap();
        let address = ingester.address().unwrap();
        let queue = Arc::new(Queue::new(capacity));
        let topology = Topology {
            ingesters: vec![(Box::new(ingester), only(&queue))],
            chains: vec![probe.chain(&queue, Vec::new())],
            perf,
        };
        let stop = CancellationToken::new();
        let run = tokio::spawn(topology.run(stop.clone(), || {}));
        Self {
            probe,
            registry,
            address,
            stop,
            run,
        }
    }

    async fn send(&self, records: usize) -> Result<(), Status> {
        send(self.address, records).await
    }

    fn shows(&self, sample: &str) -> bool {
        self.registry.to_text().lines().any(|line| line == sample)
    }

    async fn end(self) -> (usize, Outcome) {
        self.stop.cancel();
        let outcome = self.run.await.unwrap();
        (self.probe.records.load(SeqCst), outcome)
    }
}

async fn send(address: SocketAddr, records: usize) -> Result<(), Status> {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let mut grpc = tonic::client::Grpc::new(endpoint.connect().await.unwrap());
    grpc.ready().await.unwrap();
    let entries = vec![Record::default(); records];
    let message = Records { entries }.encode_to_vec();
    let path = http::uri::PathAndQuery::from_static("/pbflow.Collector/Send");
    grpc.unary(tonic::Request::new(message.into()), path, RawClient)
        .await
        .map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_reset_against_a_full_queue_and_is_sent_again_counts_once() {
    let server = Server::start(700, perf());
    server.send(10).await.unwrap();
    until(|| server.shows("ingest_flows_processed{stage=\"grpc\"} 10")).await;
    server.send(100).await.unwrap();
    let waits =
        |calls: u32| server.shows(&format!("stage_in_queue_size{{stage=\"grpc\"}} {calls}"));
    until(|| waits(0)).await;
    // Three batches, of which the queue would have room for one.
    let call = tokio::spawn(send(server.address, 1500));
    until(|| waits(1)).await;
    call.abort();
    until(|| waits(0)).await;
    server.probe.gate.store(false, SeqCst);
    server.send(1500).await.unwrap();
    assert!(server.shows("ingest_flows_processed{stage=\"grpc\"} 1610"));
    let (records, outcome) = server.end().await;
    assert_eq!((records, outcome.undrained), (1610, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_when_the_time_to_drain_is_over_is_refused_and_not_lost() {
    let server = Server::start(
        100,
        PerfSettings {
            drain_timeout: GoDuration(Duration::from_millis(300)),
            ..perf()
        },
    );
    server.send(10).await.unwrap();
    server.send(100).await.unwrap();
    let waiting = tokio::spawn(send(server.address, 1));
    until(|| server.shows("stage_in_queue_size{stage=\"grpc\"} 1")).await;
    server.stop.cancel();
    assert_eq!(
        waiting.await.unwrap().unwrap_err().code(),
        Code::Unavailable
    );
    let (gate, lost) = (Arc::clone(&server.probe.gate), server.probe.lost.clone());
    let (_, outcome) = server.end().await;
    gate.store(false, SeqCst);
    assert_eq!((outcome.undrained, lost.drain_timeout.get()), (110, 110));
}
