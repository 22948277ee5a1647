//! Server TLS with certificates that may be rotated while we run, and the client side that reads
//! loss counters over https.
//!
//! **Invariant:** a broken new certificate never replaces a working one.

mod pem;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_util::sync::CancellationToken;

/// How often files are looked at. Kubernetes swaps a mounted secret by renaming a folder link,
/// which file watches miss.
const RELOAD_INTERVAL: Duration = Duration::from_secs(10);

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is missing or holds nothing usable.
    #[error("read {what} {path}: {reason}")]
    File {
        /// Certificate, key or authority.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The pieces do not fit.
    #[error("use certificate {path}: {source}; check that the key belongs to it")]
    Pair {
        /// The certificate.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// The authority is of no use.
    #[error("use client authority {path}: {reason}")]
    Authority {
        /// The authority.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// Files of a server's identity.
#[derive(Debug, Clone)]
pub struct ServerFiles {
    /// Certificate chain.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
    /// Authority that clients must be signed by; none asks for no client certificate.
    pub client_authority: Option<PathBuf>,
}

/// A server's TLS settings, replaced when the files change.
#[derive(Debug)]
pub struct ServerTls {
    files: ServerFiles,
    current: ArcSwap<ServerConfig>,
}

impl ServerTls {
    /// Reads the files.
    pub fn load(files: ServerFiles) -> Result<Arc<Self>, TlsError> {
        let current = ArcSwap::new(build(&files)?);
        Ok(Arc::new(Self { files, current }))
    }

    /// The settings for the next connection.
    pub fn current(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }

    /// Looks at the files until `shutdown`.
    pub async fn watch(self: Arc<Self>, shutdown: CancellationToken) {
        let mut seen = self.contents();
        let mut ticks = tokio::time::interval(RELOAD_INTERVAL);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            self.reload(&mut seen);
        }
    }

    /// Takes new contents of the files in, if there are any.
    fn reload(&self, seen: &mut Vec<Option<Vec<u8>>>) {
        let now = self.contents();
        if now == *seen {
            return;
        }
        *seen = now;
        match build(&self.files) {
            Ok(config) => {
                self.current.store(config);
                tracing::info!(certificate = %self.files.certificate.display(), "certificate reloaded");
            }
            Err(error) => tracing::error!(%error, "new certificate refused, keeping the old one"),
        }
    }

    fn contents(&self) -> Vec<Option<Vec<u8>>> {
        let files = [
            Some(&self.files.certificate),
            Some(&self.files.key),
            self.files.client_authority.as_ref(),
        ];
        files
            .into_iter()
            .flatten()
            .map(|path| std::fs::read(path).ok())
            .collect()
    }
}

fn build(files: &ServerFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let certificates = pem::certificates(&files.certificate)?;
    let key = pem::key(&files.key)?;
    let builder = ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13]);
    let builder = match &files.client_authority {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let roots = Arc::new(roots(path)?);
            let verifier = WebPkiClientVerifier::builder(roots)
                .build()
                .map_err(|error| TlsError::Authority {
                    path: path.clone(),
                    reason: error.to_string(),
                })?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder
        .with_single_cert(certificates, key)
        .map_err(|source| TlsError::Pair {
            path: files.certificate.clone(),
            source,
        })?;
    // HTTP/2 stays off, as clients of NetObserv's console find it.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Reads authorities to trust.
pub fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in pem::certificates(path)? {
        roots
            .add(certificate)
            .map_err(|error| TlsError::Authority {
                path: path.to_owned(),
                reason: error.to_string(),
            })?;
    }
    Ok(roots)
}
