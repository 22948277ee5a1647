//! The configuration: one file (YAML or JSON), environment and flags, checked as a whole before anything runs.
//! Called by `app`; `topology` gets the checked [`Config`].
//!
//! **Invariant:** pure but for reading the file; every problem is reported, each with its path, not the first only.

pub mod conform;
pub mod duration;
pub mod graph;
pub mod load;
pub mod problems;
pub mod settings;
pub mod stages;
#[cfg(test)]
mod tests;

pub use duration::GoDuration;
pub use load::{Format, Loaded, Overlay, load, load_text};
pub use problems::{Problem, Problems, Severity};
pub use settings::{MetricsSettings, PerfSettings, Root};
pub use stages::{EncodeConfig, IngestConfig, StageConfig, TransformConfig, WriteConfig};

/// A configuration that was checked: every stage can be built and the graph holds together.
#[derive(Debug)]
pub struct Config {
    /// Address of the health server, if there is to be one.
    pub health_address: Option<String>,
    /// The log level, if one was configured.
    pub log_level: Option<String>,
    /// The global metrics server and the operational metrics.
    pub metrics: MetricsSettings,
    /// Sizes of queues and times.
    pub perf: PerfSettings,
    /// The stages and who follows whom.
    pub graph: graph::Graph,
}
