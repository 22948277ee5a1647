//! The accept loop of the gRPC ingester: plain or TLS with certificates that reload, HTTP/2.
//!
//! **Invariant:** no peer holds a connection without answering pings, and `serve` returns only when every call
//! that was accepted has been answered or the time for it is over.

use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::service::Collector;
use crate::tls::ServerTls;

/// Agents that may be connected at once; further ones wait in the kernel's backlog.
const CONNECTIONS_MAX: usize = 4096;
/// Calls of one connection at once.
const STREAMS_MAX: u32 = 64;
/// Bytes of one call under way.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
/// Bytes of one connection under way.
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;
/// Bytes of the headers of one call.
const HEADERS_BYTES_MAX: u32 = 16 << 10;
/// An agent that is silent for this long is pinged.
const PING_PERIOD: Duration = Duration::from_secs(30);
/// An agent that does not answer a ping within this time is gone.
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// A TLS handshake takes this long at most.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Calls under way get this long when the pipeline stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after a failed accept (no file descriptor left), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop`, then lets the calls under way end.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerTls>>,
    service: Collector,
    stop: CancellationToken,
) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut tasks = JoinSet::new();
    if let Some(tls) = &tls {
        tasks.spawn(Arc::clone(tls).watch(stop.clone()));
    }
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &permits) => accepted,
            Some(_) = tasks.join_next() => continue,
        };
        match accepted {
            Ok((stream, permit)) => {
                let (tls, service, stop) = (tls.clone(), service.clone(), stop.clone());
                tasks.spawn(async move {
                    connection(stream, tls, service, stop).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let drained = async { while tasks.join_next().await.is_some() {} };
    // What is not answered by then is cut when the set is dropped; the agent repeats it elsewhere.
    let _ = timeout(DRAIN_TIMEOUT, drained).await;
}

async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits)
        .acquire_owned()
        .await
        .map_err(std::io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, permit))
}

async fn connection(
    stream: TcpStream,
    tls: Option<Arc<ServerTls>>,
    service: Collector,
    stop: CancellationToken,
) {
    // Answers are small and must leave at once; a socket that refuses the option works all the same.
    let _ = stream.set_nodelay(true);
    match tls {
        None => calls(stream, service, stop).await,
        Some(tls) => match timeout(HANDSHAKE_TIMEOUT, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => calls(stream, service, stop).await,
            Ok(Err(error)) => service.refused_connection("Unauthenticated", &error),
            Err(elapsed) => service.refused_connection("DeadlineExceeded", &elapsed),
        },
    }
}

async fn calls<S>(stream: S, service: Collector, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(HEADERS_BYTES_MAX)
        .keep_alive_interval(PING_PERIOD)
        .keep_alive_timeout(PING_TIMEOUT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
    }
}
