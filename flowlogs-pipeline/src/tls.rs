//! TLS for servers and clients: key pairs, authorities, and their reload when the files change.
//!
//! The gRPC ingester, the metrics and health servers and the Loki client build their TLS here.
//! **Invariant:** a pair is checked before it replaces another; a bad file on disk never takes a running server down.

pub mod client;
mod pem;
pub mod server;
mod watch;

use std::path::PathBuf;

use rustls::SupportedProtocolVersion;

pub use client::ClientTls;
pub use server::{ServerFiles, ServerTls};

/// The versions between our own components, as in NetObserv.
pub static TLS13_ONLY: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// Why TLS cannot be set up; the texts name the file.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("read {}: {source}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{origin} holds no {what} in PEM form")]
    Missing { origin: String, what: &'static str },
    #[error("{origin} is not valid PEM: {source}")]
    Pem {
        origin: String,
        source: std::io::Error,
    },
    #[error("certificate and key do not fit ({origin}): {source}")]
    Pair {
        origin: String,
        source: rustls::Error,
    },
    #[error("certificate authority in {origin} cannot be used: {source}")]
    Authority {
        origin: String,
        source: rustls::Error,
    },
    #[error("client certificates cannot be checked with {origin}: {source}")]
    Verifier {
        origin: String,
        source: rustls::server::VerifierBuilderError,
    },
    #[error("system certificate authorities cannot be read: {0}; set tls_config.ca_file")]
    SystemRoots(std::io::Error),
    #[error("{key}: {value} is not a TLS version: use TLS12 or TLS13")]
    Version { key: &'static str, value: String },
    #[error("cert_file and key_file must be set together")]
    HalfPair,
}
