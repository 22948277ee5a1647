//! TLS from certificate files: a client towards the collector, a server for metrics. Certificates reload.
//!
//! Used by `exporters/grpc` and `health`.
//!
//! **Invariant:** TLS 1.3 only, as between all components of this product. A file that is broken after a rotation leaves
//! the last good configuration in use, and says so.

mod pem;
pub mod reload;

use std::path::PathBuf;

use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

pub use reload::Reloading;

use crate::config::TlsFiles;

/// Why certificate files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot load CA certificate: {0}")]
    Authority(String),
    #[error("cannot load client certificate: {0}")]
    ClientIdentity(String),
    #[error("cannot load server certificate: {0}")]
    ServerIdentity(String),
}

/// Protocol name of HTTP/2 in the TLS handshake; gRPC servers insist on it.
const ALPN_HTTP2: &[u8] = b"h2";

/// A client that trusts the given authority only.
pub fn client(files: TlsFiles) -> Result<Reloading<ClientConfig>, TlsError> {
    let mut paths = vec![PathBuf::from(&files.ca_path)];
    if let Some((certificate, key)) = &files.identity {
        paths.extend([PathBuf::from(certificate), PathBuf::from(key)]);
    }
    Reloading::new(paths, move || build_client(&files))
}

fn build_client(files: &TlsFiles) -> Result<ClientConfig, TlsError> {
    let roots = read_roots(&files.ca_path)?;
    let builder =
        ClientConfig::builder_with_protocol_versions(&[&TLS13]).with_root_certificates(roots);
    let mut config = match &files.identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let (chain, key) = pem::identity(certificate, key).map_err(TlsError::ClientIdentity)?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|e| TlsError::ClientIdentity(e.to_string()))?
        }
    };
    config.alpn_protocols = vec![ALPN_HTTP2.to_vec()];
    Ok(config)
}

/// A server with this certificate.
pub fn server(certificate: String, key: String) -> Result<Reloading<ServerConfig>, TlsError> {
    let paths = [&certificate, &key].map(PathBuf::from).to_vec();
    Reloading::new(paths, move || {
        let (chain, key) = pem::identity(&certificate, &key).map_err(TlsError::ServerIdentity)?;
        let builder = ServerConfig::builder_with_protocol_versions(&[&TLS13]).with_no_client_auth();
        builder
            .with_single_cert(chain, key)
            .map_err(|e| TlsError::ServerIdentity(e.to_string()))
    })
}

fn read_roots(path: &str) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in pem::certificates(path).map_err(TlsError::Authority)? {
        roots
            .add(certificate)
            .map_err(|e| TlsError::Authority(format!("{path}: {e}")))?;
    }
    Ok(roots)
}
