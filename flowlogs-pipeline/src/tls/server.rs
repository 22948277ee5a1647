//! The server side: a key pair, optionally an authority for client certificates, reloaded when the files change.
//!
//! **Invariant:** [`ServerTls::acceptor`] always gives the last good configuration.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::SupportedProtocolVersion;
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::{TlsError, pem, watch};

/// What a server needs.
#[derive(Clone, Debug)]
pub struct ServerFiles {
    pub cert_path: PathBuf,
    pub key_path: PathBuf,
    /// When set, clients must show a certificate signed by it.
    pub client_ca_path: Option<PathBuf>,
    /// Protocols offered, such as `h2`; empty offers none.
    pub protocols: &'static [&'static [u8]],
    /// Versions of TLS that are spoken.
    pub versions: &'static [&'static SupportedProtocolVersion],
}

impl ServerFiles {
    fn paths(&self) -> Vec<PathBuf> {
        let pair = [&self.cert_path, &self.key_path];
        pair.into_iter()
            .chain(self.client_ca_path.as_ref())
            .cloned()
            .collect()
    }

    fn load(&self) -> Result<ServerConfig, TlsError> {
        let origin = self.cert_path.display().to_string();
        let certificates = pem::certificates(&watch::read(&self.cert_path)?, &origin)?;
        let key = pem::private_key(
            &watch::read(&self.key_path)?,
            &self.key_path.display().to_string(),
        )?;
        let builder = ServerConfig::builder_with_protocol_versions(self.versions);
        let builder = match &self.client_ca_path {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let origin = path.display().to_string();
                let roots = pem::authorities(&watch::read(path)?, &origin)?;
                let verifier = WebPkiClientVerifier::builder(Arc::new(roots))
                    .build()
                    .map_err(|source| TlsError::Verifier { origin, source })?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder
            .with_single_cert(certificates, key)
            .map_err(|source| TlsError::Pair { origin, source })?;
        config.alpn_protocols = self.protocols.iter().map(|name| name.to_vec()).collect();
        Ok(config)
    }
}

/// A server's TLS, as good as its files last were.
pub struct ServerTls {
    files: ServerFiles,
    current: ArcSwap<ServerConfig>,
}

impl ServerTls {
    /// Loads the files; a bad one is an error now, and later only a line in the log.
    pub fn load(files: ServerFiles) -> Result<Arc<Self>, TlsError> {
        let current = ArcSwap::from_pointee(files.load()?);
        Ok(Arc::new(Self { files, current }))
    }

    /// Accepts the next connection with the newest pair.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current.load_full())
    }

    /// Looks at the files every ten seconds until `stop`.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        let paths = self.files.paths();
        let mut known = watch::fingerprint(&paths);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(watch::PERIOD) => {}
            }
            let now = watch::fingerprint(&paths);
            if now != known {
                known = now;
                self.reload();
            }
        }
    }

    fn reload(&self) {
        let certificate = self.files.cert_path.display();
        match self.files.load() {
            Ok(config) => {
                self.current.store(Arc::new(config));
                tracing::info!(%certificate, "certificate reloaded");
            }
            Err(error) => {
                tracing::error!(%certificate, %error, "certificate not reloaded, the old one stays");
            }
        }
    }
}

#[cfg(test)]
mod tests;
