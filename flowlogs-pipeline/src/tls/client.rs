//! The client side: which servers are believed and which certificate is shown, in the terms of Prometheus' HTTP
//! client settings.
//!
//! **Invariant:** certificates are checked unless `insecure_skip_verify` was asked for by name.

use std::path::PathBuf;
use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme, SupportedProtocolVersion};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{TlsError, pem, watch};

/// `tls_config` of Prometheus' HTTP client settings.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ClientTls {
    /// Authority in PEM form, in place.
    pub ca: Option<String>,
    /// File with the authorities to believe instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Client certificate in PEM form, in place.
    pub cert: Option<String>,
    /// File with the client certificate.
    pub cert_file: Option<PathBuf>,
    /// Key of the client certificate in PEM form, in place.
    pub key: Option<String>,
    /// File with the key of the client certificate.
    pub key_file: Option<PathBuf>,
    /// Name expected in the server's certificate, if not the host of the URL.
    pub server_name: Option<String>,
    /// Believes any server.
    pub insecure_skip_verify: Option<bool>,
    /// `TLS12` or `TLS13`.
    pub min_version: Option<String>,
    /// `TLS12` or `TLS13`.
    pub max_version: Option<String>,
}

impl ClientTls {
    /// The rustls configuration of what the files hold now.
    pub fn load(&self) -> Result<ClientConfig, TlsError> {
        let builder = ClientConfig::builder_with_protocol_versions(&self.versions()?);
        let builder = if self.insecure_skip_verify == Some(true) {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(BelieveAnyone::default()))
        } else if let Some((pem, origin)) =
            source(self.ca.as_ref(), self.ca_file.as_ref(), "tls_config.ca")?
        {
            builder.with_root_certificates(pem::authorities(&pem, &origin)?)
        } else {
            builder.with_native_roots().map_err(TlsError::SystemRoots)?
        };
        let certificate = source(
            self.cert.as_ref(),
            self.cert_file.as_ref(),
            "tls_config.cert",
        )?;
        let key = source(self.key.as_ref(), self.key_file.as_ref(), "tls_config.key")?;
        match (certificate, key) {
            (None, None) => Ok(builder.with_no_client_auth()),
            (Some((certificate, origin)), Some((key, key_origin))) => builder
                .with_client_auth_cert(
                    pem::certificates(&certificate, &origin)?,
                    pem::private_key(&key, &key_origin)?,
                )
                .map_err(|source| TlsError::Pair { origin, source }),
            _ => Err(TlsError::HalfPair),
        }
    }

    /// Changes when one of the files does.
    pub fn fingerprint(&self) -> u64 {
        let files = [&self.ca_file, &self.cert_file, &self.key_file];
        watch::fingerprint(&files.into_iter().flatten().cloned().collect::<Vec<_>>())
    }

    fn versions(&self) -> Result<Vec<&'static SupportedProtocolVersion>, TlsError> {
        let rank = |key: &'static str, value: &Option<String>| match value.as_deref() {
            None | Some("") => Ok(None),
            // What is older than 1.2 is raised to it.
            Some("TLS10" | "TLS11" | "TLS12") => Ok(Some(0)),
            Some("TLS13") => Ok(Some(1)),
            Some(other) => Err(TlsError::Version {
                key,
                value: other.into(),
            }),
        };
        let lowest = rank("min_version", &self.min_version)?.unwrap_or(0);
        let highest = rank("max_version", &self.max_version)?.unwrap_or(1);
        Ok([&TLS12, &TLS13][lowest..=highest.max(lowest)].to_vec())
    }
}

/// PEM given in place or in a file, with the name errors use.
fn source(
    inline: Option<&String>,
    file: Option<&PathBuf>,
    key: &str,
) -> Result<Option<(Vec<u8>, String)>, TlsError> {
    match (
        inline.filter(|text| !text.is_empty()),
        file.filter(|path| !path.as_os_str().is_empty()),
    ) {
        (Some(text), _) => Ok(Some((text.clone().into_bytes(), key.into()))),
        (None, Some(path)) => Ok(Some((watch::read(path)?, path.display().to_string()))),
        (None, None) => Ok(None),
    }
}

/// What `insecure_skip_verify` asks for: signatures are checked, identities are not.
#[derive(Debug)]
struct BelieveAnyone(Arc<CryptoProvider>);

impl Default for BelieveAnyone {
    fn default() -> Self {
        let provider = CryptoProvider::get_default().cloned();
        Self(provider.unwrap_or_else(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider())))
    }
}

impl ServerCertVerifier for BelieveAnyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
