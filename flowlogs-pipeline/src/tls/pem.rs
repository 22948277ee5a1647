//! Certificates and keys out of PEM text; the only file that names `rustls-pemfile`.
//!
//! **Invariant:** returns at least one certificate or exactly one key, else an error with the origin.

use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::TlsError;

/// All certificates of `pem`.
pub fn certificates(pem: &[u8], origin: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = rustls_pemfile::certs(&mut &*pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| TlsError::Pem {
            origin: origin.into(),
            source,
        })?;
    if certificates.is_empty() {
        return Err(TlsError::Missing {
            origin: origin.into(),
            what: "certificate",
        });
    }
    Ok(certificates)
}

/// The authorities of `pem`.
pub fn authorities(pem: &[u8], origin: &str) -> Result<RootCertStore, TlsError> {
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(pem, origin)? {
        let added = authorities.add(certificate);
        added.map_err(|source| TlsError::Authority {
            origin: origin.into(),
            source,
        })?;
    }
    Ok(authorities)
}

/// The first private key of `pem`.
pub fn private_key(pem: &[u8], origin: &str) -> Result<PrivateKeyDer<'static>, TlsError> {
    rustls_pemfile::private_key(&mut &*pem)
        .map_err(|source| TlsError::Pem {
            origin: origin.into(),
            source,
        })?
        .ok_or_else(|| TlsError::Missing {
            origin: origin.into(),
            what: "private key",
        })
}
