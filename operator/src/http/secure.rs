//! The TLS server: each connection takes the certificate that is current when it begins.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::DRAIN_LIMIT;
use crate::tls::Current;

/// Connections at once, of one server; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 256;
/// How long a TLS handshake may take.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);
/// How long a connection may wait for the next request; API server and Prometheus keep them.
const IDLE_LIMIT: Duration = Duration::from_mins(10);
/// After an error that heals when something closes, such as too many open files.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Serves until the drain, then lets present requests end.
pub async fn serve(
    purpose: &'static str,
    listener: TcpListener,
    current: watch::Receiver<Current>,
    router: Router,
    drain: CancellationToken,
) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let mut tasks = JoinSet::new();
    loop {
        while tasks.try_join_next().is_some() {}
        let accepted = tokio::select! {
            () = drain.cancelled() => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        let (permit, stream) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(purpose, %error, "accept failed");
                tokio::time::sleep(ACCEPT_RETRY).await;
                continue;
            }
        };
        // Without a certificate there is nothing to say; the peer tries again.
        let Some(config) = current.borrow().clone() else {
            continue;
        };
        let service = router
            .clone()
            .map_request(|request: hyper::Request<hyper::body::Incoming>| request.map(Body::new));
        let watcher = graceful.watcher();
        tasks.spawn(async move {
            let acceptor = TlsAcceptor::from(config);
            if let Err(error) = connection(stream, acceptor, service, watcher).await {
                tracing::debug!(purpose, error, "connection ended early");
            }
            drop(permit);
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

/// The next connection, when there is room for it.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> std::io::Result<(OwnedSemaphorePermit, TcpStream)> {
    // The semaphore is never closed.
    let permit = permits
        .clone()
        .acquire_owned()
        .await
        .map_err(std::io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((permit, stream))
}

async fn connection<S>(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    service: S,
    watcher: hyper_util::server::graceful::Watcher,
) -> Result<(), String>
where
    S: tower::Service<
            hyper::Request<hyper::body::Incoming>,
            Response = hyper::Response<Body>,
            Error = Infallible,
        > + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let stream = tokio::time::timeout(HANDSHAKE_LIMIT, acceptor.accept(stream))
        .await
        .map_err(|_| "the TLS handshake took too long".to_owned())?
        .map_err(|error| error.to_string())?;
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_LIMIT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    watcher
        .watch(connection)
        .await
        .map_err(|error| error.to_string())
}
