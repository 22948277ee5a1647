//! HTTP servers, plain and with TLS.
//!
//! **Invariant:** a drain ends every connection within its limit; idle connections keep nobody out.

mod connections;
pub mod protect;
mod server;
#[cfg(test)]
mod tests;

use self::server::Server;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::tls::Current;

/// Connections at once, of one server.
const CONNECTIONS_MAX: usize = 256;
/// How long present requests may go on after a drain was asked for.
pub const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// It is no address.
    #[error("--{flag}: \"{address}\" is not of the form ADDRESS:PORT or :PORT")]
    Form {
        /// Which flag.
        flag: &'static str,
        /// Its value.
        address: String,
    },
    /// It cannot be had.
    #[error("listen on {address}: {source}; set --{flag}")]
    Bind {
        /// Which flag.
        flag: &'static str,
        /// Its value.
        address: String,
        /// Why.
        source: std::io::Error,
    },
}

/// Whether an address can be understood; before anything is started.
pub fn check(flag: &'static str, address: &str) -> Result<(), ListenError> {
    if matches!(address, "" | "0") || parse(address).is_some() {
        return Ok(());
    }
    Err(ListenError::Form {
        flag,
        address: address.to_owned(),
    })
}

/// Listens on a Go-style address: `:PORT` is every address, `0` or nothing is off.
pub async fn listen(flag: &'static str, address: &str) -> Result<Option<TcpListener>, ListenError> {
    if matches!(address, "" | "0") {
        return Ok(None);
    }
    let wanted = parse(address).ok_or_else(|| ListenError::Form {
        flag,
        address: address.to_owned(),
    })?;
    let mut bound = TcpListener::bind(wanted).await;
    if bound.is_err() && wanted.ip().is_unspecified() {
        // A host without IPv6 still has every IPv4 address.
        let ipv4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, wanted.port()));
        bound = TcpListener::bind(ipv4).await;
    }
    bound.map(Some).map_err(|source| ListenError::Bind {
        flag,
        address: address.to_owned(),
        source,
    })
}

fn parse(address: &str) -> Option<SocketAddr> {
    match address.strip_prefix(':') {
        Some(port) => Some((Ipv6Addr::UNSPECIFIED, port.parse().ok()?).into()),
        None => address.strip_prefix("localhost:").map_or_else(
            || address.parse().ok(),
            |port| Some((Ipv4Addr::LOCALHOST, port.parse().ok()?).into()),
        ),
    }
}

/// Serves plain HTTP until the drain, then lets present requests end.
pub async fn serve(
    purpose: &'static str,
    listener: TcpListener,
    router: Router,
    drain: CancellationToken,
) {
    let server = Server {
        purpose,
        listener,
        tls: None,
        connections_max: CONNECTIONS_MAX,
        router,
    };
    server.run(drain).await;
}

/// The same by TLS.
pub async fn serve_tls(
    purpose: &'static str,
    listener: TcpListener,
    certificates: watch::Receiver<Current>,
    router: Router,
    drain: CancellationToken,
) {
    let server = Server {
        purpose,
        listener,
        tls: Some(certificates),
        connections_max: CONNECTIONS_MAX,
        router,
    };
    server.run(drain).await;
}
