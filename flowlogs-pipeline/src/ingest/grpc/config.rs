//! Settings of the gRPC ingester.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Problems;

/// Messages of the greatest size that may be handled at once when nothing is configured.
pub const BUFFER_LENGTH_DEFAULT: usize = 100;
/// gRPC's usual limit of one message.
pub const MESSAGE_BYTES_MAX_DEFAULT: usize = 4 << 20;

/// Settings of the gRPC ingester.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GrpcConfig {
    /// TCP port; mandatory. 0 lets the system choose.
    pub port: Option<u16>,
    /// Address to listen on; empty is every address.
    pub address: String,
    /// Messages of messageBytesMax that may be handled at once, or more smaller ones; further calls wait.
    pub buffer_length: usize,
    /// Bytes of one message at most; a larger one is refused and counted.
    pub message_bytes_max: usize,
    /// Certificate chain, PEM; with keyPath turns TLS on.
    pub cert_path: String,
    /// Private key, PEM.
    pub key_path: String,
    /// Authority of client certificates; when set they are required and checked.
    #[serde(rename = "clientCAPath")]
    pub client_ca_path: String,
}

impl Default for GrpcConfig {
    fn default() -> Self {
        Self {
            port: None,
            address: String::new(),
            buffer_length: BUFFER_LENGTH_DEFAULT,
            message_bytes_max: MESSAGE_BYTES_MAX_DEFAULT,
            cert_path: String::new(),
            key_path: String::new(),
            client_ca_path: String::new(),
        }
    }
}

impl GrpcConfig {
    /// Reports what cannot work.
    pub fn validate(&self, problems: &mut Problems) {
        if self.port.is_none() && !problems.has_error_at("port") {
            problems.error("port", "ingest port not specified");
        }
        if self.cert_path.is_empty() != self.key_path.is_empty() {
            problems.error("certPath", "certPath and keyPath must be set together");
        }
        if self.cert_path.is_empty() && !self.client_ca_path.is_empty() {
            problems.error(
                "clientCAPath",
                "needs certPath and keyPath: client certificates are a part of TLS",
            );
        }
        if !self.address.is_empty() && self.address.parse::<std::net::IpAddr>().is_err() {
            problems.error(
                "address",
                format_args!("\"{}\" is not an IP address", self.address),
            );
        }
    }

    /// Whether connections are encrypted.
    pub fn is_tls(&self) -> bool {
        !self.cert_path.is_empty()
    }

    /// Messages of the greatest size that may be handled at once; 0 is the default, as everywhere.
    pub fn messages_max(&self) -> usize {
        if self.buffer_length == 0 {
            BUFFER_LENGTH_DEFAULT
        } else {
            self.buffer_length
        }
    }

    /// Bytes of one message at most; 0 is the default.
    pub fn message_limit(&self) -> usize {
        if self.message_bytes_max == 0 {
            MESSAGE_BYTES_MAX_DEFAULT
        } else {
            self.message_bytes_max
        }
    }
}
