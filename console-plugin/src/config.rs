//! The configuration file: one YAML document over a struct that already holds the defaults.
//!
//! Read by `app` at start. Blocks of NetObserv ignore unknown keys with a warning that names the
//! path; our own blocks (`store`, `losses`) refuse them.
//! **Invariant:** [`load`] reports every problem it can see at once, each with the key it is about.

pub mod duration;
pub mod frontend;
mod load;
pub mod losses;
pub mod server;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::frontend::FrontendConfig;
pub use self::load::{ConfigError, Loaded, load, parse};
pub use self::losses::{LossTarget, LossesConfig};
pub use self::server::{AuthCheck, ServerConfig};
use crate::store::config::StoreConfig;

/// Everything the file can say.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    /// Listeners, TLS, CORS, authentication, limits.
    pub server: ServerConfig,
    /// Loki as the data source; excludes `store`.
    pub loki: LokiConfig,
    /// Prometheus as a data source.
    pub prometheus: PrometheusConfig,
    /// The built-in flow store as the data source; excludes `loki.url`.
    pub store: Option<StoreConfig>,
    /// Whose loss counters are read.
    pub losses: LossesConfig,
    /// What the page shows.
    pub frontend: FrontendConfig,
}

/// Loki, of which this version reads only what decides that it is asked for.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct LokiConfig {
    /// Query address; Loki is asked for when it is set.
    pub url: String,
}

/// Prometheus, of which this version reads only what decides that it is asked for.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct PrometheusConfig {
    /// Query address; Prometheus is asked for when it is set.
    pub url: String,
    /// Query address for users of one namespace.
    pub dev_url: String,
}

impl Config {
    /// All problems, one line each, with the key first.
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let has_prometheus = !self.prometheus.url.is_empty() || !self.prometheus.dev_url.is_empty();
        if self.store.is_none() && self.loki.url.is_empty() && !has_prometheus {
            return vec!["no data source is configured; set store.path".to_owned()];
        }
        if self.store.is_some() && !self.loki.url.is_empty() {
            problems.push(
                "store and loki.url: exclude each other, the store takes Loki's place; remove one"
                    .to_owned(),
            );
        }
        if !self.loki.url.is_empty() {
            problems.push(
                "loki.url: Loki as a source is not available in this version; use store".to_owned(),
            );
        }
        if has_prometheus {
            problems.push(
                "prometheus: Prometheus as a source is not available in this version; remove the block"
                    .to_owned(),
            );
        }
        self.server.validate(&mut problems);
        self.losses.validate(&mut problems);
        if let Some(store) = &self.store {
            store.validate(&mut problems);
        }
        problems
    }
}
