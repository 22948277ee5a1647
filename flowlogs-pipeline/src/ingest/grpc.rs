//! Receives flows from agents: the service `pbflow.Collector`.
//!
//! **Invariant:** a message is acknowledged when all its records are in the queue of every follower, and refused
//! as a whole when it is malformed or too large.

mod codec;
pub mod config;
mod server;
mod service;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

pub use config::GrpcConfig;

use crate::http;
use crate::stage::{BuildContext, Ingest, IngestFuture, StageError};
use crate::tls::{ServerFiles, ServerTls, TLS13_ONLY};
use crate::topology::Inlet;

/// The gRPC ingester.
pub struct IngestGrpc {
    listener: tokio::net::TcpListener,
    address: SocketAddr,
    tls: Option<Arc<ServerTls>>,
    settings: service::Settings,
}

impl IngestGrpc {
    /// Listens at once, so that agents can connect while the rest is built.
    pub fn new(config: &GrpcConfig, context: &BuildContext) -> Result<Self, StageError> {
        let fail = |message: String| StageError::new(&context.name, message);
        let (listener, address) = listen(config).map_err(fail)?;
        let _runtime = context.runtime.enter();
        let listener =
            tokio::net::TcpListener::from_std(listener).map_err(|error| fail(error.to_string()))?;
        let files = ServerFiles {
            cert_path: config.cert_path.as_str().into(),
            key_path: config.key_path.as_str().into(),
            client_ca_path: (!config.client_ca_path.is_empty())
                .then(|| config.client_ca_path.as_str().into()),
            protocols: &[b"h2"],
            versions: TLS13_ONLY,
        };
        let tls = config.is_tls().then(|| ServerTls::load(files)).transpose();
        let tls = tls.map_err(|error| fail(error.to_string()))?;
        let settings = service::Settings {
            messages_max: config.messages_max(),
            message_bytes_max: config.message_limit(),
            metrics: service::Metrics::new(&context.metrics, &context.name),
        };
        tracing::info!(stage = context.name, %address, tls = tls.is_some(), "listening for flows");
        Ok(Self {
            listener,
            address,
            tls,
            settings,
        })
    }
}

impl Ingest for IngestGrpc {
    fn address(&self) -> Option<SocketAddr> {
        Some(self.address)
    }

    fn run(self: Box<Self>, inlet: Inlet, stop: CancellationToken) -> IngestFuture {
        Box::pin(async move {
            let service = service::Collector::new(self.settings, inlet);
            server::serve(self.listener, self.tls, service, stop).await;
            Ok(())
        })
    }
}

fn listen(config: &GrpcConfig) -> Result<(TcpListener, SocketAddr), String> {
    let port = config.port.unwrap_or_default();
    http::bind(&config.address, port)
        .and_then(|listener| Ok((listener.local_addr()?, listener)))
        .map(|(address, listener)| (listener, address))
        .map_err(|error| {
            format!(
                "cannot listen on {}:{port}: {error}; set grpc.port or grpc.address",
                config.address
            )
        })
}
