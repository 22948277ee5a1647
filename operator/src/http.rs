//! HTTP servers: plain ones, and with TLS in `secure`.
//!
//! **Invariant:** a drain ends every connection within its limit.

pub mod secure;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

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

/// Serves until the drain, then lets present requests end.
pub async fn serve(
    purpose: &'static str,
    listener: TcpListener,
    router: Router,
    drain: CancellationToken,
) {
    let served =
        axum::serve(listener, router).with_graceful_shutdown(drain.clone().cancelled_owned());
    let late = async {
        drain.cancelled().await;
        tokio::time::sleep(DRAIN_LIMIT).await;
    };
    tokio::select! {
        ended = served => {
            if let Err(error) = ended {
                tracing::error!(purpose, %error, "server ended");
            }
        }
        () = late => tracing::warn!(purpose, "some requests did not end in time"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_go_reads_them() {
        for (text, expected) in [
            (":8081", Some("[::]:8081")),
            ("127.0.0.1:80", Some("127.0.0.1:80")),
            ("localhost:80", Some("127.0.0.1:80")),
            ("[::1]:80", Some("[::1]:80")),
            ("8081", None),
            ("host:80", None),
            (":x", None),
        ] {
            let address = parse(text).map(|address| address.to_string());
            assert_eq!(address.as_deref(), expected, "{text}");
        }
    }
}
