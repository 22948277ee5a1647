//! PEM files. The only file that names `rustls_pemfile` (archived; a thin shell over `rustls-pki-types`).
//!
//! **Invariant:** an error names the file.

use std::fs::File;
use std::io::BufReader;

use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// All certificates of a file, at least one.
pub fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = rustls_pemfile::certs(&mut open(path)?).collect::<Result<Vec<_>, _>>();
    let found = read.map_err(|error| format!("{path}: {error}"))?;
    if found.is_empty() {
        Err(format!("{path}: no certificate in it"))
    } else {
        Ok(found)
    }
}

/// A certificate chain and its private key.
pub fn identity(
    chain: &str,
    key: &str,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    let found =
        rustls_pemfile::private_key(&mut open(key)?).map_err(|error| format!("{key}: {error}"))?;
    Ok((
        certificates(chain)?,
        found.ok_or_else(|| format!("{key}: no private key in it"))?,
    ))
}

fn open(path: &str) -> Result<BufReader<File>, String> {
    File::open(path)
        .map(BufReader::new)
        .map_err(|error| format!("{path}: {error}"))
}
