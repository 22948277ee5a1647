//! A collector of flows for tests: a real gRPC server that checks what it is sent, and fails as it is told to.
//!
//! **Invariant:** a record that the contract does not allow fails the test, when it is looked at.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;
use tonic::codegen::tokio_stream::{Stream, StreamExt, wrappers::TcpListenerStream};
use tonic::transport::{Server, ServerTlsConfig};
use tonic::{Code, Request, Response, Status};

pub mod pbflow {
    #![allow(
        clippy::allow_attributes_without_reason,
        clippy::pedantic,
        reason = "generated"
    )]
    tonic::include_proto!("pbflow");
}

use pbflow::collector_server::{Collector as Service, CollectorServer};
use pbflow::{CollectorReply, Record, Records};

/// Longer than a loaded machine needs for anything here.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// Pause between two looks at something that is waited for.
const LOOK_PERIOD: Duration = Duration::from_millis(5);

/// How the server behaves.
#[derive(Default)]
pub struct Behaviour {
    pub tls: Option<ServerTlsConfig>,
    /// Bytes of one message at most.
    pub message_bytes_max: Option<usize>,
    /// Answered to a message whose first record has this many packets.
    pub failure: Option<(u64, Code)>,
}

#[derive(Default)]
struct Seen {
    messages: Vec<Vec<Record>>,
    failures: usize,
    connections: usize,
    complaints: Vec<String>,
}

/// An address of the loopback where a collector can come and go: bound, so that nobody else is given the port meanwhile,
/// and refusing connections as long as no collector is there.
pub struct Place {
    pub address: SocketAddr,
    _bound: TcpSocket,
}

impl Place {
    pub fn new() -> Self {
        let bound = TcpSocket::new_v4().unwrap();
        // With it a second socket may have the port and listen.
        bound.set_reuseaddr(true).unwrap();
        bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self {
            address: bound.local_addr().unwrap(),
            _bound: bound,
        }
    }
}

/// A running server.
pub struct Collector {
    pub address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    /// Its own, so that killing it kills the connections too.
    runtime: Option<Runtime>,
}

struct Receiver {
    seen: Arc<Mutex<Seen>>,
    failure: Option<(u64, Code)>,
}

#[tonic::async_trait]
impl Service for Receiver {
    async fn send(&self, request: Request<Records>) -> Result<Response<CollectorReply>, Status> {
        let records = request.into_inner().entries;
        let mut seen = self.seen.lock().unwrap();
        if let Some((packets, code)) = self.failure
            && records
                .first()
                .is_some_and(|record| record.packets == packets)
        {
            seen.failures += 1;
            return Err(Status::new(code, "as the test wants it"));
        }
        for record in &records {
            if record.data_link.is_none() || record.network.is_none() || record.transport.is_none()
            {
                seen.complaints.push(format!(
                    "a record lacks a part that is always there: {record:?}"
                ));
            }
        }
        seen.messages.push(records);
        Ok(Response::new(CollectorReply {}))
    }
}

impl Collector {
    /// Starts on a free port of the loopback.
    pub async fn start(behaviour: Behaviour) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), behaviour).await
    }

    /// Starts at an address, of a [`Place`] if another collector was there before.
    pub async fn start_at(address: SocketAddr, behaviour: Behaviour) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.spawn(listen(address)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Seen>>::default();
        let receiver = Receiver {
            seen: Arc::clone(&seen),
            failure: behaviour.failure,
        };
        let mut service = CollectorServer::new(receiver);
        if let Some(bytes) = behaviour.message_bytes_max {
            service = service.max_decoding_message_size(bytes);
        }
        let mut server = Server::builder();
        if let Some(tls) = behaviour.tls {
            server = server.tls_config(tls).unwrap();
        }
        let incoming = counted(TcpListenerStream::new(listener), Arc::clone(&seen));
        runtime.spawn(server.add_service(service).serve_with_incoming(incoming));
        Self {
            address,
            seen,
            runtime: Some(runtime),
        }
    }

    /// Kills the server and its connections, and waits until they are gone.
    pub async fn kill(mut self) {
        let runtime = self.runtime.take().unwrap();
        tokio::task::spawn_blocking(move || runtime.shutdown_timeout(PATIENCE))
            .await
            .unwrap();
    }

    /// What has been taken so far, by message.
    pub fn messages(&self) -> Vec<Vec<Record>> {
        let seen = self.seen.lock().unwrap();
        assert!(seen.complaints.is_empty(), "{:?}", seen.complaints);
        seen.messages.clone()
    }

    /// Packet counts of all records, sorted: tests give each record another.
    pub fn packets(&self) -> Vec<u64> {
        let mut packets: Vec<_> = self
            .messages()
            .iter()
            .flatten()
            .map(|record| record.packets)
            .collect();
        packets.sort_unstable();
        packets
    }

    pub fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    pub fn failures(&self) -> usize {
        self.seen.lock().unwrap().failures
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Listens as soon as it can: a listener that was closed lasts in a child that another test has just forked, until that
/// runs its program.
async fn listen(address: SocketAddr) -> TcpListener {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(error) => assert!(Instant::now() < deadline, "{address}: {error}"),
        }
        tokio::time::sleep(LOOK_PERIOD).await;
    }
}

fn counted<T>(
    connections: impl Stream<Item = std::io::Result<T>>,
    seen: Arc<Mutex<Seen>>,
) -> impl Stream<Item = std::io::Result<T>> {
    connections.map(move |connection| {
        seen.lock().unwrap().connections += 1;
        connection
    })
}

/// Polls until `condition` holds.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "gave up waiting until {what}");
        tokio::time::sleep(LOOK_PERIOD).await;
    }
}
