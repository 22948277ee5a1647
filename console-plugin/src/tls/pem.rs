//! PEM files: the only place that names the archived `rustls-pemfile`.
//!
//! **Invariant:** a file without the wanted item is an error that says so.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::TlsError;

/// All certificates of a file.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let what = "certificate";
    let mut reader = open(what, path)?;
    let certificates: Vec<_> = rustls_pemfile::certs(&mut reader)
        .collect::<Result<_, _>>()
        .map_err(|error| file_error(what, path, error.to_string()))?;
    if certificates.is_empty() {
        return Err(file_error(what, path, "no certificate in it".to_owned()));
    }
    Ok(certificates)
}

/// The first private key of a file.
pub fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let what = "private key";
    let mut reader = open(what, path)?;
    rustls_pemfile::private_key(&mut reader)
        .map_err(|error| file_error(what, path, error.to_string()))?
        .ok_or_else(|| file_error(what, path, "no private key in it".to_owned()))
}

fn open(what: &'static str, path: &Path) -> Result<BufReader<File>, TlsError> {
    File::open(path)
        .map(BufReader::new)
        .map_err(|error| file_error(what, path, error.to_string()))
}

fn file_error(what: &'static str, path: &Path, reason: String) -> TlsError {
    TlsError::File {
        what,
        path: path.to_owned(),
        reason,
    }
}
