//! A pipeline that runs in the test's process, and a client that sends to it.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "tests; each test file uses a part of it"
)]

#[path = "raw_client.rs"]
mod raw_client;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use flowlogs_pipeline::config::{Config, Overlay, load};
use flowlogs_pipeline::ingest::protobuf::pbflow::Records;
use flowlogs_pipeline::metrics::{Operational, Registry};
use flowlogs_pipeline::topology::{Outcome, Topology};
use prost::Message as _;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::transport::Endpoint;

use raw_client::RawClient;

/// No test waits longer than this for something to happen.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// Pause between two looks at something that is waited for.
const LOOK_PERIOD: Duration = Duration::from_millis(20);

/// A running pipeline.
pub struct Running {
    pub registry: Registry,
    pub address: Option<SocketAddr>,
    stop: CancellationToken,
    run: JoinHandle<Outcome>,
}

fn config(links: &[(&str, &str)], parameters: &[Value]) -> Config {
    let links: Vec<_> = links
        .iter()
        .map(|(name, follows)| json!({"name": name, "follows": follows}))
        .collect();
    let json = vec![
        ("pipeline", json!(links).to_string()),
        ("parameters", json!(parameters).to_string()),
    ];
    let loaded = load(
        None,
        &Overlay {
            texts: Vec::new(),
            json,
        },
    );
    loaded
        .config
        .unwrap_or_else(|| panic!("{:?}", loaded.problems.found()))
}

/// Why a pipeline cannot be built.
pub fn build_error(links: &[(&str, &str)], parameters: &[Value]) -> String {
    let config = config(links, parameters);
    let metrics = Operational::new(Registry::default(), "");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let built = Topology::build(&config.graph, &config.perf, &metrics, runtime.handle());
    built.err().unwrap().to_string()
}

impl Running {
    /// Starts a pipeline of these `(name, follows)` and parameters.
    pub fn start(links: &[(&str, &str)], parameters: &[Value]) -> Self {
        let config = config(links, parameters);
        let registry = Registry::default();
        let metrics = Operational::new(registry.clone(), "");
        let runtime = tokio::runtime::Handle::current();
        let topology = Topology::build(&config.graph, &config.perf, &metrics, &runtime).unwrap();
        let address = topology.addresses().first().copied();
        let stop = CancellationToken::new();
        let run = tokio::spawn(topology.run(stop.clone(), || {}));
        Self {
            registry,
            address,
            stop,
            run,
        }
    }

    /// Sends one message.
    pub async fn send(&self, records: &Records) -> Result<(), Status> {
        self.send_bytes(records.encode_to_vec()).await
    }

    /// Sends bytes as a message.
    pub async fn send_bytes(&self, message: Vec<u8>) -> Result<(), Status> {
        self.call("/pbflow.Collector/Send", message).await
    }

    /// Calls a method with bytes as the message.
    pub async fn call(&self, path: &'static str, message: Vec<u8>) -> Result<(), Status> {
        let url = format!("http://{}", self.address.unwrap());
        call_over(Endpoint::from_shared(url).unwrap(), path, message).await
    }

    /// Waits until the metrics show the sample with at least this value.
    pub async fn shows(&self, sample: &str, at_least: u64) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let shown = self.registry.to_text();
            let value = shown
                .lines()
                .find_map(|line| line.strip_prefix(sample)?.trim().parse::<u64>().ok());
            if value.is_some_and(|value| value >= at_least) {
                return;
            }
            assert!(Instant::now() < deadline, "{sample} {value:?}");
            tokio::time::sleep(LOOK_PERIOD).await;
        }
    }

    /// Stops the pipeline and waits until it has drained.
    pub async fn stop(self) {
        self.stop.cancel();
        self.ended().await;
    }

    /// Waits until the pipeline has ended by itself.
    pub async fn ended(self) {
        let outcome = tokio::time::timeout(PATIENCE, self.run)
            .await
            .unwrap()
            .unwrap();
        assert!(
            outcome.errors.is_empty() && outcome.undrained == 0,
            "{outcome:?}"
        );
    }
}

/// Calls a method over a connection of its own; one that cannot be made is `Unavailable`.
pub async fn call_over(
    endpoint: Endpoint,
    path: &'static str,
    message: Vec<u8>,
) -> Result<(), Status> {
    let unavailable = |error: tonic::transport::Error| Status::unavailable(format!("{error:?}"));
    let channel = endpoint
        .connect_timeout(PATIENCE)
        .timeout(PATIENCE)
        .connect()
        .await
        .map_err(unavailable)?;
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.map_err(unavailable)?;
    let path = http::uri::PathAndQuery::from_static(path);
    grpc.unary(tonic::Request::new(message.into()), path, RawClient)
        .await
        .map(drop)
}

/// Sends one message over a connection of its own.
pub async fn send_over(endpoint: Endpoint, records: &Records) -> Result<(), Status> {
    call_over(endpoint, "/pbflow.Collector/Send", records.encode_to_vec()).await
}
