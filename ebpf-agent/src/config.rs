//! Configuration: environment variables to one typed value, all problems told at once.
//!
//! Called by `main` once. Each area of the configuration has a file; the table of variables has one too.
//!
//! **Invariant:** nothing here touches the system; what is read is decided by the text of the variables alone.

pub mod environment;
pub mod export;
pub mod features;
pub mod listing;
pub mod parse;
pub mod reader;
pub mod variables;
pub mod watch;

use std::time::Duration;

use tracing::Level;

pub use environment::{Environment, ProcessEnvironment};
pub use export::{ExportConfig, GrpcConfig, TlsFiles};
pub use features::{FeaturesConfig, Notice};
pub use watch::{
    AddressFamily, AgentAddress, Anchor, AttachConfig, AttachMode, Direction, WatchConfig,
    WatchMode,
};

use reader::Reader;

/// The whole configuration.
#[derive(Debug)]
pub struct Config {
    pub log: LogConfig,
    pub agent_address: AgentAddress,
    pub export: ExportConfig,
    pub watch: WatchConfig,
    pub attach: AttachConfig,
    pub cache: CacheConfig,
    pub features: FeaturesConfig,
    pub metrics: MetricsConfig,
    /// What was asked for and will not happen, or happens otherwise: one warning each.
    pub notices: Vec<Notice>,
}

/// Logging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogConfig {
    pub level: Level,
}

/// Kernel maps and their eviction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheConfig {
    pub max_flows: u32,
    pub active_timeout: Duration,
    pub stale_entries_timeout: Duration,
    /// One packet in this many; 0 is every packet, and tells collectors that nothing was configured.
    pub sampling: u32,
    /// Length of internal queues.
    pub queue_length: usize,
}

/// Labels of `interface_events_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsLevel {
    Info,
    Debug,
    Trace,
}

/// Metrics and the server for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsConfig {
    pub prefix: String,
    pub level: MetricsLevel,
    /// `None`: no server.
    pub server: Option<MetricsServerConfig>,
}

/// The HTTP server of `/metrics`, `/live` and `/ready`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsServerConfig {
    /// Empty: every address.
    pub address: String,
    pub port: u16,
    /// Certificate and key.
    pub tls: Option<(String, String)>,
}

/// Everything wrong with the environment.
#[derive(Debug, thiserror::Error)]
#[error("can't load configuration from environment: {}", problems.join("; "))]
pub struct ConfigError {
    pub problems: Vec<String>,
}

impl Config {
    /// Reads all variables.
    pub fn read(environment: &dyn Environment) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(environment);
        let mut notices = Vec::new();
        let log = read_log(&mut reader, &mut notices);
        let agent_address = AgentAddress::read(&mut reader);
        let cache = read_cache(&mut reader);
        let export = export::read(&mut reader, &mut notices, cache.queue_length);
        let watch = watch::read_watch(&mut reader, &mut notices);
        let attach = watch::read_attach(&mut reader, &mut notices);
        let features = features::read(&mut reader, &mut notices);
        let metrics = read_metrics(&mut reader, &mut notices);
        // Their types are checked whether anything comes of them or not, as everywhere else.
        features::read_unavailable(&mut reader, &mut notices);
        match (reader.into_problems(), watch) {
            (problems, Some(watch)) if problems.is_empty() => Ok(Self {
                log,
                agent_address,
                export,
                watch,
                attach,
                cache,
                features,
                metrics,
                notices,
            }),
            (problems, ..) => Err(ConfigError { problems }),
        }
    }
}

fn read_log(reader: &mut Reader, notices: &mut Vec<Notice>) -> LogConfig {
    let text = reader.string("LOG_LEVEL");
    let level = match text.to_ascii_lowercase().as_str() {
        "trace" => Level::TRACE,
        "debug" => Level::DEBUG,
        "info" => Level::INFO,
        "warn" | "warning" => Level::WARN,
        "error" | "fatal" | "panic" => Level::ERROR,
        _ => {
            notices.push(Notice::other(format!(
                "LOG_LEVEL: unknown level {text:?}, using info"
            )));
            Level::INFO
        }
    };
    LogConfig { level }
}

fn read_cache(reader: &mut Reader) -> CacheConfig {
    CacheConfig {
        max_flows: reader.count("CACHE_MAX_FLOWS", 1) as u32,
        active_timeout: reader.period("CACHE_ACTIVE_TIMEOUT"),
        stale_entries_timeout: reader.duration("STALE_ENTRIES_EVICT_TIMEOUT"),
        sampling: reader.count("SAMPLING", 0) as u32,
        queue_length: reader.count("BUFFERS_LENGTH", 1),
    }
}

fn read_metrics(reader: &mut Reader, notices: &mut Vec<Notice>) -> MetricsConfig {
    let level = match reader.string("METRICS_LEVEL").as_str() {
        "info" => MetricsLevel::Info,
        "debug" => MetricsLevel::Debug,
        "trace!" => MetricsLevel::Trace,
        other => {
            notices.push(Notice::other(format!(
                "METRICS_LEVEL: unknown level {other:?}, using info"
            )));
            MetricsLevel::Info
        }
    };
    let (certificate, key) = (
        reader.string("METRICS_TLS_CERT_PATH"),
        reader.string("METRICS_TLS_KEY_PATH"),
    );
    if certificate.is_empty() != key.is_empty() {
        notices.push(Notice::other(
            "METRICS_TLS_CERT_PATH and METRICS_TLS_KEY_PATH: only one is set, metrics are served without TLS".to_owned(),
        ));
    }
    let port = match reader.port("METRICS_SERVER_PORT") {
        0 => 9090,
        port => port,
    };
    let server = MetricsServerConfig {
        address: reader.string("METRICS_SERVER_ADDRESS"),
        port,
        tls: (!certificate.is_empty() && !key.is_empty()).then_some((certificate, key)),
    };
    MetricsConfig {
        prefix: reader.string("METRICS_PREFIX"),
        level,
        server: reader.boolean("METRICS_ENABLE").then_some(server),
    }
}

#[cfg(test)]
mod tests;
