//! Listening and serving: one accept loop for the page, the metrics and the store's push port.
//!
//! Called by `app`. HTTP/1.1 alone: what reads the protocol's version first has no timer for that.
//! **Invariant:** connections are bounded, each gives its place back when its peer says or takes
//! nothing for too long, and a drain ends them after their present request.

mod port_owner;
mod stall;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use self::stall::Stalling;
use crate::metrics::Metrics;
use crate::tls::ServerTls;

/// How long peers may do nothing.
#[derive(Debug, Clone, Copy)]
struct Timeouts {
    /// Until the whole head of the next request is there. The HTTP library has one timer for a slow
    /// head and for an idle connection, and closing idle ones early would make writers and pages
    /// that keep their connection lose a request to it now and then.
    idle: Duration,
    /// Until more of an answer is taken.
    stalled: Duration,
}

const TIMEOUTS: Timeouts = Timeouts {
    idle: Duration::from_mins(2),
    stalled: Duration::from_secs(30),
};
/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest head of a request. The HTTP library answers a longer one with 431 and an address beyond 64 KiB with 414, both
/// without a body; they are counted as `head_size`.
pub const HEADERS_BYTES_MAX: usize = 1 << 20;
/// How long present requests may go on after a drain was asked for.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a port cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody else has it.
    #[error(
        "listen on {address} for {purpose}: the port is taken by {owner}; stop it or set {key}"
    )]
    Taken {
        /// Where.
        address: SocketAddr,
        /// What for.
        purpose: &'static str,
        /// Which program.
        owner: String,
        /// Which key of the configuration says so.
        key: &'static str,
    },
    /// Anything else.
    #[error("listen on {address} for {purpose}: {source}; check {key}")]
    Other {
        /// Where.
        address: String,
        /// What for.
        purpose: &'static str,
        /// Which key of the configuration says so.
        key: &'static str,
        /// Why.
        source: io::Error,
    },
}

/// A listener and what it is for.
#[derive(Debug)]
pub struct Listener {
    inner: TcpListener,
    address: SocketAddr,
    purpose: &'static str,
}

impl Listener {
    /// Where it listens, with the port it really got.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Listens on `address` (empty: every address, IPv4 and IPv6).
pub async fn listen(
    address: &str,
    port: u16,
    purpose: &'static str,
    key: &'static str,
) -> Result<Listener, ListenError> {
    let address = match address {
        "" => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        "localhost" => IpAddr::from([127, 0, 0, 1]),
        other => other.parse().map_err(|_| ListenError::Other {
            address: format!("{other}:{port}"),
            purpose,
            key,
            source: io::Error::new(io::ErrorKind::InvalidInput, "not an IP address"),
        })?,
    };
    let mut wanted = SocketAddr::new(address, port);
    let mut bound = TcpListener::bind(wanted).await;
    if address == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
        && bound
            .as_ref()
            .is_err_and(|error| error.kind() != io::ErrorKind::AddrInUse)
    {
        // A host without IPv6 still has every IPv4 address.
        wanted = SocketAddr::from(([0, 0, 0, 0], port));
        bound = TcpListener::bind(wanted).await;
    }
    let inner = bound.map_err(|source| {
        if source.kind() == io::ErrorKind::AddrInUse {
            let owner = port_owner::describe(port);
            ListenError::Taken {
                address: wanted,
                purpose,
                owner,
                key,
            }
        } else {
            ListenError::Other {
                address: wanted.to_string(),
                purpose,
                key,
                source,
            }
        }
    })?;
    let address = inner.local_addr().map_err(|source| ListenError::Other {
        address: wanted.to_string(),
        purpose,
        key,
        source,
    })?;
    Ok(Listener {
        inner,
        address,
        purpose,
    })
}

/// Serves until `shutdown`, then lets present requests end.
pub async fn serve(
    listener: Listener,
    tls: Option<Arc<ServerTls>>,
    router: Router,
    connections_max: usize,
    metrics: Metrics,
    shutdown: CancellationToken,
) {
    serve_with(
        listener,
        tls,
        router,
        connections_max,
        TIMEOUTS,
        metrics,
        shutdown,
    )
    .await;
}

async fn serve_with(
    listener: Listener,
    tls: Option<Arc<ServerTls>>,
    router: Router,
    connections_max: usize,
    timeouts: Timeouts,
    metrics: Metrics,
    shutdown: CancellationToken,
) {
    let permits = Arc::new(Semaphore::new(connections_max));
    let graceful = GracefulShutdown::new();
    let mut tasks = JoinSet::new();
    loop {
        while tasks.try_join_next().is_some() {}
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        let (permit, stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(purpose = listener.purpose, %error, "accept failed");
                // Out of file descriptors heals only when something closes.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let acceptor = tls.as_ref().map(|tls| TlsAcceptor::from(tls.current()));
        let service = TowerToHyperService::new(router.clone());
        let watcher = graceful.watcher();
        let stream = Stalling::new(stream, timeouts.stalled);
        let metrics = metrics.clone();
        tasks.spawn(async move {
            let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
            builder
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(timeouts.idle)
                .max_buf_size(HEADERS_BYTES_MAX);
            let ended = match acceptor {
                None => {
                    let connection = builder.serve_connection(TokioIo::new(stream), service);
                    watcher.watch(connection).await
                }
                Some(acceptor) => {
                    let handshake =
                        tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream));
                    let Ok(Ok(stream)) = handshake.await else {
                        tracing::debug!(%peer, "TLS handshake failed");
                        return;
                    };
                    let connection = builder.serve_connection(TokioIo::new(stream), service);
                    watcher.watch(connection).await
                }
            };
            if let Err(error) = ended {
                let cause = error.downcast_ref::<hyper::Error>();
                if cause.is_some_and(hyper::Error::is_parse_too_large) {
                    metrics.refused("head_size");
                }
                tracing::debug!(%peer, %error, "connection ended early");
            }
            drop(permit);
        });
    }
    let drained = async {
        graceful.shutdown().await;
        while tasks.join_next().await.is_some() {}
    };
    if tokio::time::timeout(DRAIN_TIMEOUT, drained).await.is_err() {
        tracing::warn!(
            purpose = listener.purpose,
            "some requests did not end in time"
        );
    }
}

type Accepted = (tokio::sync::OwnedSemaphorePermit, TcpStream, SocketAddr);

/// Waits for room first, so that the kernel's own queue holds what is too much.
async fn accept(listener: &Listener, permits: &Arc<Semaphore>) -> io::Result<Accepted> {
    let permit = permits
        .clone()
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, peer) = listener.inner.accept().await?;
    // A peer that is gone already is seen when it is read from.
    let _ = stream.set_nodelay(true);
    Ok((permit, stream, peer))
}
