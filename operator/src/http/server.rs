//! The server: plain, or with TLS, where each connection takes the certificate that is current when it begins.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::DRAIN_LIMIT;
use super::connections::{Connection, Connections};
use crate::tls::Current;

/// How long a TLS handshake may take.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);
/// How long a connection may wait for the next request; API server and Prometheus keep them.
const IDLE_LIMIT: Duration = Duration::from_mins(10);
/// After an error that heals when something closes, such as too many open files.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// What a server serves, and how.
pub struct Server {
    /// For the log.
    pub purpose: &'static str,
    /// Where it listens.
    pub listener: TcpListener,
    /// Certificates; none speaks plain HTTP.
    pub tls: Option<watch::Receiver<Current>>,
    /// Connections at once.
    pub connections_max: usize,
    /// What it answers.
    pub router: Router,
}

impl Server {
    /// Serves until the drain, then lets present requests end.
    pub async fn run(self, drain: CancellationToken) {
        let Self {
            purpose, listener, ..
        } = &self;
        let connections = Connections::new(self.connections_max);
        let graceful = GracefulShutdown::new();
        let mut tasks = JoinSet::new();
        loop {
            while tasks.try_join_next().is_some() {}
            let accepted = tokio::select! {
                () = drain.cancelled() => break,
                accepted = accept(listener, &connections) => accepted,
            };
            let (stream, connection) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(purpose, %error, "accept failed");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                    continue;
                }
            };
            let acceptor = match &self.tls {
                None => None,
                Some(current) => match current.borrow().clone() {
                    Some(config) => Some(TlsAcceptor::from(config)),
                    // Without a certificate there is nothing to say; the peer tries again.
                    None => continue,
                },
            };
            let (purpose, router) = (self.purpose, self.router.clone());
            let watcher = graceful.watcher();
            tasks.spawn(async move {
                let close = connection.close();
                let serving = connect(stream, acceptor, router, &connection, watcher);
                let ended = tokio::select! {
                    ended = serving => ended,
                    () = close.cancelled() => Err("it was idle, and others came".to_owned()),
                };
                if let Err(error) = ended {
                    tracing::debug!(purpose, error, "connection ended early");
                }
            });
        }
        let drained = async {
            graceful.shutdown().await;
            while tasks.join_next().await.is_some() {}
        };
        if tokio::time::timeout(DRAIN_LIMIT, drained).await.is_err() {
            tracing::warn!(purpose, "some requests did not end in time");
        }
    }
}

/// The next connection, when there is room for it.
async fn accept(
    listener: &TcpListener,
    connections: &Connections,
) -> std::io::Result<(TcpStream, Connection)> {
    let (stream, _) = listener.accept().await?;
    let entered = connections.enter().await;
    let connection = entered.ok_or_else(|| std::io::Error::other("the server ends"))?;
    Ok((stream, connection))
}

async fn connect(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    router: Router,
    connection: &Connection,
    watcher: Watcher,
) -> Result<(), String> {
    let Some(acceptor) = acceptor else {
        return speak(stream, router, connection, watcher).await;
    };
    let stream = tokio::time::timeout(HANDSHAKE_LIMIT, acceptor.accept(stream))
        .await
        .map_err(|_| "the TLS handshake took too long".to_owned())?
        .map_err(|error| error.to_string())?;
    speak(stream, router, connection, watcher).await
}

async fn speak<S>(
    stream: S,
    router: Router,
    connection: &Connection,
    watcher: Watcher,
) -> Result<(), String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let begin = connection.requests();
    let service = tower::service_fn(move |request: hyper::Request<Incoming>| {
        let (router, running) = (router.clone(), begin());
        async move {
            let answer = router.oneshot(request.map(Body::new)).await;
            drop(running);
            answer as Result<_, Infallible>
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_LIMIT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    watcher
        .watch(serving)
        .await
        .map_err(|error| error.to_string())
}
