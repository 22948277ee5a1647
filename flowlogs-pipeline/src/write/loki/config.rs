//! Settings of `write.loki`.
//!
//! **Invariant:** what passes `validate` can be built, but for files that are missing.

use std::collections::BTreeMap;
use std::time::Duration;

use hyper::Uri;
use schemars::JsonSchema;
use serde::Deserialize;

use super::client_config::ClientConfig;
use super::queue::WhenFull;
use crate::config::{GoDuration, Problems};
use crate::metrics::text::is_label_name;
use crate::write::line::Format;

const PUSH_PATH: &str = "/loki/api/v1/push";
const DEFAULT_BATCH_WAIT: Duration = Duration::from_secs(1);
const DEFAULT_BATCH_BYTES: i64 = 100 * 1024;
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_BACKOFF: Duration = Duration::from_secs(1);
const DEFAULT_ATTEMPTS: u32 = 10;
/// Compressed batches kept for a Loki that is slow or away: some 500,000 records.
const DEFAULT_QUEUE_BYTES: u64 = 64 * 1024 * 1024;
const DEFAULT_TIMESTAMP_LABEL: &str = "TimeReceived";
const DEFAULT_TIMESTAMP_SCALE: Duration = Duration::from_secs(1);

/// `write.loki`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct LokiConfig {
    /// Base address; the path of Loki's push API is appended.
    pub url: String,
    /// Tenant, sent as `X-Scope-OrgID`.
    #[serde(rename = "tenantID")]
    pub tenant_id: String,
    /// Age at which a batch is sent, 1s by default.
    pub batch_wait: Option<GoDuration>,
    /// Bytes of lines at which a batch is sent.
    pub batch_size: i64,
    /// Time for one attempt, 10s by default.
    pub timeout: Option<GoDuration>,
    /// First pause between attempts, 1s by default.
    pub min_backoff: Option<GoDuration>,
    /// Longest pause between attempts, 1s by default.
    pub max_backoff: Option<GoDuration>,
    /// Attempts for one batch in all, 0 is one; those without an answer count only while the queue is full.
    pub max_retries: u32,
    /// Fields that become stream labels and leave the line.
    pub labels: Vec<String>,
    /// Labels every stream has.
    pub static_labels: BTreeMap<String, String>,
    /// Fields left out.
    pub ignore_list: Vec<String>,
    /// How to connect and authenticate.
    pub client_config: Option<ClientConfig>,
    /// Field with the time of a line.
    pub timestamp_label: String,
    /// Unit of that field, 1s by default.
    pub timestamp_scale: Option<GoDuration>,
    /// Format of the lines.
    pub format: LokiFormat,
    /// Sorts the keys of JSON lines.
    pub reorder: bool,
    /// Only `http` in this version.
    pub client_protocol: String,
    /// Settings of the `grpc` protocol, not used with `http`.
    pub grpc_config: Option<GrpcConfig>,
    /// Bytes of compressed batches that may wait for Loki (additional to NetObserv's keys).
    pub queue_bytes: u64,
    /// What happens when that many wait (additional to NetObserv's keys).
    pub when_full: WhenFull,
}

/// Keep-alive of the gRPC protocol: accepted, as the operator may write it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct GrpcConfig {
    pub keep_alive: Option<GoDuration>,
    pub keep_alive_timeout: Option<GoDuration>,
}

/// Format of the lines; JSON unless set.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LokiFormat {
    #[default]
    Json,
    Fields,
    Printf,
}

impl From<LokiFormat> for Format {
    fn from(format: LokiFormat) -> Self {
        match format {
            LokiFormat::Json => Self::Json,
            LokiFormat::Fields => Self::Fields,
            LokiFormat::Printf => Self::Printf,
        }
    }
}

impl Default for LokiConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            tenant_id: String::new(),
            batch_wait: None,
            batch_size: DEFAULT_BATCH_BYTES,
            timeout: None,
            min_backoff: None,
            max_backoff: None,
            max_retries: DEFAULT_ATTEMPTS,
            labels: Vec::new(),
            static_labels: BTreeMap::new(),
            ignore_list: Vec::new(),
            client_config: None,
            timestamp_label: DEFAULT_TIMESTAMP_LABEL.into(),
            timestamp_scale: None,
            format: LokiFormat::default(),
            reorder: false,
            client_protocol: "http".into(),
            grpc_config: None,
            queue_bytes: DEFAULT_QUEUE_BYTES,
            when_full: WhenFull::default(),
        }
    }
}

/// A duration that is absent or zero is the default.
fn or_default(duration: Option<&GoDuration>, default: Duration) -> Duration {
    duration
        .map(|duration| **duration)
        .filter(|duration| !duration.is_zero())
        .unwrap_or(default)
}

impl LokiConfig {
    pub fn batch_wait(&self) -> Duration {
        or_default(self.batch_wait.as_ref(), DEFAULT_BATCH_WAIT)
    }

    pub fn timeout(&self) -> Duration {
        or_default(self.timeout.as_ref(), DEFAULT_TIMEOUT)
    }

    /// First and longest pause.
    pub fn backoff(&self) -> (Duration, Duration) {
        let first = or_default(self.min_backoff.as_ref(), DEFAULT_BACKOFF);
        (
            first,
            or_default(self.max_backoff.as_ref(), DEFAULT_BACKOFF),
        )
    }

    pub fn timestamp_scale(&self) -> Duration {
        or_default(self.timestamp_scale.as_ref(), DEFAULT_TIMESTAMP_SCALE)
    }

    /// Where batches are pushed to.
    pub fn push_uri(&self) -> Result<Uri, String> {
        let base = self.url.strip_suffix('/').unwrap_or(&self.url);
        let uri: Uri = format!("{base}{PUSH_PATH}")
            .parse()
            .map_err(|error| format!("'{}' is not an address: {error}", self.url))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(format!(
                "'{}' must start with http:// or https://",
                self.url
            ));
        }
        if uri
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@'))
        {
            return Err("must not hold a password: use clientConfig.basic_auth".into());
        }
        Ok(uri)
    }

    pub fn validate(&self, problems: &mut Problems) {
        match self.client_protocol.as_str() {
            "http" => {}
            "grpc" => problems.error("clientProtocol", "grpc is not in this version: use http"),
            other => problems.error(
                "clientProtocol",
                format!("'{other}' is not known: use http"),
            ),
        }
        if self.url.is_empty() {
            problems.error(
                "url",
                "is missing: set the address of Loki, such as http://loki:3100",
            );
        } else if let Err(message) = self.push_uri() {
            problems.error("url", message);
        }
        if self.batch_size <= 0 {
            problems.error(
                "batchSize",
                format!("{} is not a number of bytes above 0", self.batch_size),
            );
        }
        if self.queue_bytes == 0 {
            problems.error("queueBytes", "must be above 0");
        }
        for name in self
            .static_labels
            .keys()
            .filter(|name| !is_label_name(name))
        {
            problems.error(
                "staticLabels",
                format!("'{name}' is not a label name: use letters, digits and '_'"),
            );
        }
        if let Some(client) = &self.client_config {
            problems.at("clientConfig", |problems| client.validate(problems));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_push_path_is_appended_once() {
        for (url, expected) in [
            (
                "https://gw:8080/api/logs/v1/network/",
                Ok("https://gw:8080/api/logs/v1/network/loki/api/v1/push"),
            ),
            ("http://loki:3100", Ok("http://loki:3100/loki/api/v1/push")),
            ("loki:3100", Err("'loki:3100' is not an address")),
            (
                "ftp://loki",
                Err("'ftp://loki' must start with http:// or https://"),
            ),
            ("http://a:b@loki", Err("must not hold a password")),
        ] {
            let uri = LokiConfig {
                url: url.into(),
                ..LokiConfig::default()
            }
            .push_uri();
            match expected {
                Ok(expected) => assert_eq!(uri.unwrap().to_string(), expected),
                Err(expected) => {
                    let error = uri.unwrap_err();
                    assert!(error.starts_with(expected), "{error}");
                }
            }
        }
    }
}
