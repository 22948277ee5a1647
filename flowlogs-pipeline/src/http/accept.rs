//! The accept loop of every server: connections bounded in number, TLS with certificates that reload, and a stop that
//! lets what is under way end.
//!
//! **Invariant:** `accept_loop` returns at the latest its drain timeout after the stop, and nothing of it runs on then.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::tls::ServerTls;

/// A TLS handshake takes this long at most.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after a failed accept (no file descriptor left), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What one server allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once; further ones wait in the kernel's backlog.
    pub connections_max: usize,
    /// What is under way may take so long once the server stops.
    pub drain_timeout: Duration,
}

/// A connection, in the clear or not.
pub trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket for S {}

/// What a server does with its connections.
pub trait Serve: Clone + Send + 'static {
    /// Serves one connection until it ends; lets what is under way end when `stop` is cancelled.
    fn connection(
        self,
        socket: Box<dyn Socket>,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + Send;

    /// TLS was not agreed on; [`io::ErrorKind::TimedOut`] if it took too long.
    fn refused(&self, error: &io::Error);
}

/// Serves until `stop`, then lets what is under way end.
pub async fn accept_loop(
    listener: TcpListener,
    tls: Option<Arc<ServerTls>>,
    limits: Limits,
    server: impl Serve,
    stop: CancellationToken,
) {
    let permits = Arc::new(Semaphore::new(limits.connections_max));
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
                let (tls, server, stop) = (tls.clone(), server.clone(), stop.clone());
                tasks.spawn(async move {
                    connection(stream, tls, server, stop).await;
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
    // What is not done by then is cut when the set is dropped.
    let _ = timeout(limits.drain_timeout, drained).await;
}

async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, permit))
}

async fn connection(
    stream: TcpStream,
    tls: Option<Arc<ServerTls>>,
    server: impl Serve,
    stop: CancellationToken,
) {
    // Answers are small and must leave at once; a socket that refuses the option works all the same.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        return server.connection(Box::new(stream), stop).await;
    };
    let handshake = timeout(HANDSHAKE_TIMEOUT, tls.acceptor().accept(stream));
    // A peer that is silent does not hold the stop up.
    let Some(agreed) = stop.run_until_cancelled(handshake).await else {
        return;
    };
    match agreed.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(stream) => server.connection(Box::new(stream), stop).await,
        Err(error) => server.refused(&error),
    }
}
