//! A server's TLS settings from PEM, and from files that somebody else rotates.
//!
//! **Invariant:** a broken new certificate never replaces a working one.

use std::io::BufReader;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::sync::watch;

/// How often files are looked at. Kubernetes swaps a mounted Secret by renaming a folder link, which file watches miss.
const RELOAD: Duration = Duration::from_secs(10);

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// It is not what it should be.
    #[error("read the {0}: {1}")]
    Pem(&'static str, String),
    /// The pieces do not fit.
    #[error("use the certificate: {0}; check that the key belongs to it")]
    Pair(#[from] rustls::Error),
}

/// Settings with that certificate chain and key. TLS 1.2 and later, HTTP/1.1.
pub fn settings(certificate: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, TlsError> {
    let pem = |what: &'static str, reason: &dyn ToString| TlsError::Pem(what, reason.to_string());
    let chain = rustls_pemfile::certs(&mut BufReader::new(certificate))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| pem("certificate", &error))?;
    if chain.is_empty() {
        return Err(pem("certificate", &"there is none in it"));
    }
    let key = rustls_pemfile::private_key(&mut BufReader::new(key))
        .map_err(|error| pem("private key", &error))?
        .ok_or_else(|| pem("private key", &"there is none in it"))?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A server's settings for the next connection; none until there is a certificate.
pub type Current = Option<Arc<ServerConfig>>;

/// Files that somebody else writes and rotates.
#[derive(Debug, Clone)]
pub struct Files {
    /// Certificate chain.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

impl Files {
    /// Whether somebody provides them.
    pub fn are_there(&self) -> bool {
        self.certificate.is_file() && self.key.is_file()
    }
}

/// Publishes the files' settings, again when they change, for ever.
pub async fn follow(files: &Files, certificates: &watch::Sender<Current>) {
    let mut ticks = tokio::time::interval(RELOAD);
    let mut seen = (Vec::new(), Vec::new());
    loop {
        ticks.tick().await;
        let read = |path| std::fs::read(path).unwrap_or_default();
        let now = (read(&files.certificate), read(&files.key));
        if now == seen {
            continue;
        }
        match settings(&now.0, &now.1) {
            Ok(config) => {
                certificates.send_replace(Some(config));
                tracing::info!(certificate = %files.certificate.display(), "certificate loaded");
            }
            Err(error) => {
                tracing::error!(certificate = %files.certificate.display(), %error, "certificate refused; the one before stays in use");
            }
        }
        seen = now;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_certificate_is_taken_only_with_its_own_key() {
        // Fails only when another test of this process was first.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let made = |name: &str| rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let (one, other) = (made("one"), made("other"));
        let key = |made: &rcgen::CertifiedKey<rcgen::KeyPair>| made.signing_key.serialize_pem();
        assert!(settings(one.cert.pem().as_bytes(), key(&one).as_bytes()).is_ok());
        for (certificate, key, expected) in [
            (
                String::new(),
                key(&one),
                "read the certificate: there is none in it",
            ),
            (
                one.cert.pem(),
                String::new(),
                "read the private key: there is none in it",
            ),
            (one.cert.pem(), key(&other), "use the certificate"),
        ] {
            let error = settings(certificate.as_bytes(), key.as_bytes())
                .unwrap_err()
                .to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
