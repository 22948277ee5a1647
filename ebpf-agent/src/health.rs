//! The HTTP server of `/metrics`, `/live` and `/ready`.
//!
//! `app` starts it when `METRICS_ENABLE` is set.
//!
//! **Invariant:** answers are small and made from memory; a client can hold one of few connections for a bounded time.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::config::MetricsServerConfig;
use crate::metrics::Metrics;
use crate::tls::{self, Reloading, TlsError};

const CONNECTIONS_MAX: usize = 64;
const HEADER_BYTES_MAX: usize = 16 << 10;
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(5);
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// A scraper that keeps its connection comes back within a minute or makes another.
const CONNECTION_TIMEOUT: Duration = Duration::from_mins(2);
/// The datapath thread beats at least every few seconds; without a beat for this long it is stuck.
const BEAT_AGE_MAX: Duration = Duration::from_mins(1);
const OPENMETRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// What `/live` and `/ready` answer. Written by the datapath thread and `app`.
#[derive(Debug)]
pub struct Health {
    started: Instant,
    /// Milliseconds from `started` to the last beat.
    last_beat: AtomicU64,
    is_ready: AtomicBool,
    is_draining: AtomicBool,
    beat_age_max: Duration,
}

impl Default for Health {
    fn default() -> Self {
        Self::new(BEAT_AGE_MAX)
    }
}

impl Health {
    /// Live as long as beats are not further apart than this.
    pub fn new(beat_age_max: Duration) -> Self {
        Self {
            started: Instant::now(),
            last_beat: AtomicU64::new(0),
            is_ready: AtomicBool::new(false),
            is_draining: AtomicBool::new(false),
            beat_age_max,
        }
    }

    /// The datapath thread has come round.
    pub fn beat(&self) {
        self.last_beat
            .store(self.started.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    /// The interfaces that existed at the start have been seen.
    pub fn set_ready(&self) {
        self.is_ready.store(true, Ordering::Relaxed);
    }

    /// The agent is stopping.
    pub fn set_draining(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }

    /// Whether the agent is stopping.
    pub fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }

    fn live(&self) -> Result<(), &'static str> {
        let last = Duration::from_millis(self.last_beat.load(Ordering::Relaxed));
        let is_stuck = self.started.elapsed().saturating_sub(last) > self.beat_age_max;
        if is_stuck {
            Err("the datapath thread is stuck\n")
        } else {
            Ok(())
        }
    }

    fn ready(&self) -> Result<(), &'static str> {
        self.live()?;
        if self.is_draining() {
            return Err("stopping\n");
        }
        if self.is_ready.load(Ordering::Relaxed) {
            Ok(())
        } else {
            Err("starting\n")
        }
    }
}

/// Why the server cannot start. Causes are in the text alone, so that a chain of errors says them once.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    #[error(
        "cannot listen on {address} for metrics: {cause}; set METRICS_SERVER_ADDRESS and METRICS_SERVER_PORT"
    )]
    Listen {
        address: String,
        cause: std::io::Error,
    },
    #[error("metrics server: {0}")]
    Tls(TlsError),
}

/// A bound server.
pub struct Server {
    listener: TcpListener,
    tls: Option<Reloading<ServerConfig>>,
    shared: Arc<Shared>,
}

struct Shared {
    metrics: Arc<Metrics>,
    health: Arc<Health>,
}

impl Server {
    pub async fn bind(
        config: &MetricsServerConfig,
        metrics: Arc<Metrics>,
        health: Arc<Health>,
    ) -> Result<Self, HealthError> {
        let listen_error = |cause| HealthError::Listen {
            address: format!("{}:{}", config.address, config.port),
            cause,
        };
        // Every address is IPv6's unspecified one, which takes IPv4 too, unless the host has no IPv6.
        let listener = if config.address.is_empty() {
            match TcpListener::bind(("::", config.port)).await {
                Ok(listener) => Ok(listener),
                Err(_) => TcpListener::bind(("0.0.0.0", config.port)).await,
            }
        } else {
            let address = config.address.trim_start_matches('[').trim_end_matches(']');
            TcpListener::bind((address, config.port)).await
        };
        let tls = config
            .tls
            .clone()
            .map(|(certificate, key)| tls::server(certificate, key))
            .transpose()
            .map_err(HealthError::Tls)?;
        Ok(Self {
            listener: listener.map_err(listen_error)?,
            tls,
            shared: Arc::new(Shared { metrics, health }),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`. Connections then end with what they are answering.
    pub async fn run(self, stop: CancellationToken) {
        let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = JoinSet::new();
        loop {
            let permit = Arc::clone(&permits)
                .acquire_owned()
                .await
                .expect("the semaphore is never closed");
            let stream = tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        // Out of descriptors, say: without a pause this would spin.
                        debug!(%error, "cannot accept a connection");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        continue;
                    }
                },
                () = stop.cancelled() => break,
            };
            let (shared, stop) = (Arc::clone(&self.shared), stop.clone());
            let acceptor = self
                .tls
                .as_ref()
                .map(|config| TlsAcceptor::from(config.get()));
            connections.spawn(async move {
                let served =
                    tokio::time::timeout(CONNECTION_TIMEOUT, serve(stream, acceptor, shared, stop))
                        .await;
                if let Ok(Err(error)) = served {
                    debug!(%error, "metrics connection");
                }
                drop(permit);
            });
            while connections.try_join_next().is_some() {}
        }
        while connections.join_next().await.is_some() {}
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn serve(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    stop: CancellationToken,
) -> Result<(), Failure> {
    match acceptor {
        None => answer(stream, shared, stop).await,
        Some(acceptor) => {
            let stream = tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await??;
            answer(stream, shared, stop).await
        }
    }
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    shared: Arc<Shared>,
    stop: CancellationToken,
) -> Result<(), Failure> {
    let service = service_fn(|request| {
        let response = shared.route(&request);
        async { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        served = connection.as_mut() => return Ok(served?),
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    Ok(connection.await?)
}

impl Shared {
    fn route(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return response(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "only GET\n");
        }
        match request.uri().path() {
            "/metrics" => response(StatusCode::OK, OPENMETRICS, self.metrics.render()),
            "/live" => state(self.health.live()),
            "/ready" => state(self.health.ready()),
            _ => response(
                StatusCode::NOT_FOUND,
                PLAIN,
                "here are /metrics, /live and /ready\n",
            ),
        }
    }
}

fn state(state: Result<(), &'static str>) -> Response<Full<Bytes>> {
    match state {
        Ok(()) => response(StatusCode::OK, PLAIN, "ok\n"),
        Err(reason) => response(StatusCode::SERVICE_UNAVAILABLE, PLAIN, reason),
    }
}

fn response(
    status: StatusCode,
    content_type: HeaderValue,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
