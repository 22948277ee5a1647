//! The top level of the configuration file.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::GoDuration;
use super::stages::StageParameters;

/// Port of the metrics server when none is configured.
pub const METRICS_PORT_DEFAULT: u16 = 9090;
/// Records that may wait in front of one chain of stages, of 1 KiB at most each. NetObserv's figure (1,000) is below one
/// of the agent's messages; this one is some 6 MB of usual flows and never more than 20 MB.
pub const QUEUE_RECORDS_DEFAULT: usize = 20_000;
/// How long a branch that is full may hold up its siblings in all before its records are dropped and counted.
pub const BRANCH_WAIT_DEFAULT: Duration = Duration::from_millis(500);
/// How long stopping may take: Kubernetes kills after 30 seconds.
pub const DRAIN_TIMEOUT_DEFAULT: Duration = Duration::from_secs(25);

/// The configuration file.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Root {
    /// trace, debug, info, warn, error, fatal or panic.
    #[serde(rename = "log-level")]
    pub log_level: Option<String>,
    /// Listen address of the health server, such as :8080.
    pub health_addr: Option<String>,
    /// Listen address of a profiling server; accepted, there is none.
    pub pprof_addr: Option<String>,
    /// Older form of healthAddr.
    pub health: Option<Health>,
    /// Older form of pprofAddr; accepted, there is none.
    pub profile: Option<serde_json::Value>,
    /// Server for the Kubernetes cache; not available in this version.
    pub k8scache: Option<K8sCache>,
    /// The global metrics server.
    pub metrics_settings: MetricsSettings,
    /// Stages and who follows whom.
    pub pipeline: Vec<Link>,
    /// The stages' settings.
    pub parameters: Vec<StageParameters>,
    /// Where to read more parameters; not available in this version.
    pub dynamic_parameters: Option<DynamicParameters>,
    /// Sizes of queues and times.
    pub perf_settings: PerfSettings,
}

/// Older form of the health server's address.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Health {
    /// Host part; empty is every address.
    pub address: String,
    /// Port; 0 is off.
    pub port: u16,
}

/// The server for the Kubernetes cache.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct K8sCache {
    /// Port; 0 is off.
    pub port: u16,
}

/// One line of `pipeline`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Link {
    /// The stage.
    pub name: String,
    /// The stage it receives from.
    pub follows: String,
}

/// The global metrics server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricsSettings {
    /// Host part; empty is every address.
    pub address: String,
    /// Port.
    pub port: u16,
    /// Serves HTTPS.
    pub tls: Option<ServerFiles>,
    /// No global server.
    pub disable_global_server: bool,
    /// Put before the names of operational metrics.
    pub prefix: String,
    /// A metrics server that cannot start, or a metric whose name is taken, is logged, and the pipeline runs without.
    pub no_panic: bool,
    /// Leaves out the metrics of the process.
    pub suppress_default_metrics: bool,
}

impl Default for MetricsSettings {
    fn default() -> Self {
        Self {
            address: String::new(),
            port: METRICS_PORT_DEFAULT,
            tls: None,
            disable_global_server: false,
            prefix: String::new(),
            no_panic: false,
            suppress_default_metrics: false,
        }
    }
}

/// Certificate and key of a server.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerFiles {
    /// Certificate chain, PEM.
    pub cert_path: String,
    /// Private key, PEM.
    pub key_path: String,
}

/// Where more parameters are read from.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DynamicParameters {
    /// Namespace of the ConfigMap.
    pub namespace: String,
    /// Name of the ConfigMap.
    pub name: String,
    /// Key in the ConfigMap.
    pub file_name: String,
    /// Path of a kubeconfig.
    pub kube_config_path: String,
}

/// Sizes of queues and times.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PerfSettings {
    /// Records of one batch of an extract stage.
    pub batcher_max_len: usize,
    /// Age of a batch of an extract stage.
    pub batcher_max_timeout: GoDuration,
    /// Records that may wait in front of a chain of stages; one of more than 1 KiB counts as several.
    pub node_buffer_len: usize,
    /// How long a full branch may hold up its siblings in all, before it has drained to half; from then on its records
    /// are dropped and counted.
    pub branch_wait: GoDuration,
    /// How long stopping may take; what was not written by then is counted as lost.
    pub drain_timeout: GoDuration,
}

impl Default for PerfSettings {
    fn default() -> Self {
        Self {
            batcher_max_len: 1000,
            batcher_max_timeout: GoDuration(Duration::from_secs(5)),
            node_buffer_len: QUEUE_RECORDS_DEFAULT,
            branch_wait: GoDuration(BRANCH_WAIT_DEFAULT),
            drain_timeout: GoDuration(DRAIN_TIMEOUT_DEFAULT),
        }
    }
}
