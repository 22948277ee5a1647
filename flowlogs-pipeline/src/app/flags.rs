//! The command line: NetObserv's flags, the older spellings, and `--check`.

use std::path::PathBuf;

use clap::Parser;

use crate::config::Overlay;

/// What `--version` prints after the name.
const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (commit ",
    env!("BUILD_COMMIT"),
    ", ",
    env!("BUILD_DATE"),
    ")"
);

/// Receives flows, enriches and filters them, and hands them to metrics and writers.
///
/// Settings come from the file; a flag wins over an environment variable, which wins over the file. The variable
/// of a key is FLOWLOGS-PIPELINE_ and the key in capitals.
#[derive(Debug, Default, Parser)]
#[command(version = VERSION, about, long_about)]
pub struct Flags {
    /// Configuration file, YAML or JSON [default: .flowlogs-pipeline with such an extension in $HOME]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Check the configuration and stop; warnings are errors
    #[arg(long)]
    pub check: bool,
    /// trace, debug, info, warn, error, fatal or panic [default: error]
    #[arg(long = "log-level", value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Listen address of the health server, such as :8080 [default: none]
    #[arg(long = "healthAddr", value_name = "ADDRESS")]
    pub health_addr: Option<String>,
    /// Accepted for compatibility, there is no profiling server
    #[arg(long = "pprofAddr", value_name = "ADDRESS")]
    pub pprof_addr: Option<String>,
    /// JSON of the list `pipeline`
    #[arg(long, value_name = "JSON")]
    pub pipeline: Option<String>,
    /// JSON of the list `parameters`
    #[arg(long, value_name = "JSON")]
    pub parameters: Option<String>,
    /// JSON of the object `dynamicParameters`
    #[arg(long = "dynamicParameters", value_name = "JSON")]
    pub dynamic_parameters: Option<String>,
    /// JSON of the object `metricsSettings`
    #[arg(long = "metricsSettings", value_name = "JSON")]
    pub metrics_settings: Option<String>,
    /// Older form of --healthAddr: the host part
    #[arg(long = "health.address", value_name = "HOST", hide = true)]
    pub health_address: Option<String>,
    /// Older form of --healthAddr: the port, 0 is off
    #[arg(long = "health.port", value_name = "PORT", hide = true)]
    pub health_port: Option<u16>,
    /// Older form of --pprofAddr
    #[arg(long = "profile.port", value_name = "PORT", hide = true)]
    pub profile_port: Option<u16>,
    /// Cache server, not available in this version: bind address
    #[arg(long = "k8scache.address", value_name = "HOST", hide = true)]
    pub k8scache_address: Option<String>,
    /// Cache server, not available in this version: port, 0 is off
    #[arg(long = "k8scache.port", value_name = "PORT", hide = true)]
    pub k8scache_port: Option<u16>,
    /// Cache server, not available in this version: TLS
    #[arg(long = "k8scache.tls-enabled", hide = true)]
    pub k8scache_tls_enabled: bool,
    /// Cache server, not available in this version: certificate
    #[arg(long = "k8scache.tls-cert-path", value_name = "FILE", hide = true)]
    pub k8scache_tls_cert_path: Option<String>,
    /// Cache server, not available in this version: key
    #[arg(long = "k8scache.tls-key-path", value_name = "FILE", hide = true)]
    pub k8scache_tls_key_path: Option<String>,
    /// Cache server, not available in this version: client authority
    #[arg(long = "k8scache.tls-ca-path", value_name = "FILE", hide = true)]
    pub k8scache_tls_ca_path: Option<String>,
}

impl Flags {
    /// The settings that flags give.
    pub fn overlay(&self) -> Overlay {
        let older = self.health_port.filter(|port| *port > 0);
        let host = self.health_address.as_deref().unwrap_or("0.0.0.0");
        let health = self
            .health_addr
            .clone()
            .or_else(|| older.map(|port| format!("{host}:{port}")));
        let text = |key, value: &Option<String>| value.clone().map(|value| (key, value));
        let cache = self
            .k8scache_port
            .map(|port| ("k8scache", format!("{{\"port\":{port}}}")));
        let texts = [
            text("log-level", &self.log_level),
            text("healthAddr", &health),
            text("pprofAddr", &self.pprof_addr),
        ];
        let json = [
            text("pipeline", &self.pipeline),
            text("parameters", &self.parameters),
            text("dynamicParameters", &self.dynamic_parameters),
            text("metricsSettings", &self.metrics_settings),
            cache,
        ];
        Overlay {
            texts: texts.into_iter().flatten().collect(),
            json: json.into_iter().flatten().collect(),
        }
    }
}
