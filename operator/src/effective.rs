//! What a FlowCollector means where it says nothing: the one place of values computed in code.
//!
//! Called by `desired/` and the admission rules. The sections a user may leave out are there, filled with the defaults
//! of the schema as the API server fills a section that is there; the rest are questions with one answer each.
//! **Invariant:** pure; what the cluster is comes in as an argument.

use std::sync::LazyLock;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::apis::duration::GoDuration;
use crate::apis::flowcollector::v1beta2::agent::Ebpf;
use crate::apis::flowcollector::v1beta2::console::ConsolePlugin;
use crate::apis::flowcollector::v1beta2::exporters::Exporter;
use crate::apis::flowcollector::v1beta2::kafka::Kafka;
use crate::apis::flowcollector::v1beta2::loki::Loki;
use crate::apis::flowcollector::v1beta2::metrics::HealthVariant;
use crate::apis::flowcollector::v1beta2::processor::Processor;
use crate::apis::flowcollector::v1beta2::prometheus::Querier;
use crate::apis::flowcollector::v1beta2::{
    DeploymentModel, ExecutionMode, FlowCollectorSpec, NetworkPolicy,
};
use crate::apis::schema;

mod agent;
mod console;
mod loki;
mod metrics;
mod processor;
mod scheduling;
#[cfg(test)]
mod tests;

/// Namespace of the components, unless told otherwise.
const NAMESPACE: &str = "netobserv";
/// How far back the comparison of a trend begins, unless told otherwise.
const TREND_OFFSET: Duration = Duration::from_hours(24);
/// How long a stretch a trend is compared with, unless told otherwise.
const TREND_DURATION: Duration = Duration::from_hours(2);

/// Sections that are filled in though absent; a section comes after the one it is in.
const SECTIONS: [&str; 22] = [
    "agent",
    "agent.ebpf",
    "agent.ebpf.advanced",
    "processor",
    "processor.advanced",
    "processor.service",
    "processor.slicesConfig",
    "kafka",
    "loki",
    "loki.advanced",
    "loki.manual",
    "loki.microservices",
    "loki.monolithic",
    "loki.lokiStack",
    "loki.embedded",
    "loki.embedded.storage",
    "loki.embedded.retention",
    "prometheus",
    "prometheus.querier",
    "prometheus.querier.manual",
    "consolePlugin",
    "consolePlugin.advanced",
];

static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| schema::defaults(&schema::structural::<FlowCollectorSpec>()));

/// A FlowCollector's specification with nothing left open.
#[derive(Clone, Debug, PartialEq)]
pub struct Effective {
    /// Namespace of all components but the agents.
    pub namespace: String,
    /// How flows get to the processor.
    pub deployment_model: DeploymentModel,
    /// Whether workloads are held back.
    pub is_on_hold: bool,
    /// `spec.agent.ebpf`.
    pub agent: Ebpf,
    /// `spec.processor`.
    pub processor: Processor,
    /// `spec.kafka`.
    pub kafka: Kafka,
    /// `spec.loki`.
    pub loki: Loki,
    /// `spec.prometheus.querier`.
    pub querier: Querier,
    /// `spec.consolePlugin`.
    pub console: ConsolePlugin,
    /// `spec.exporters`.
    pub exporters: Vec<Exporter>,
    /// `spec.networkPolicy`.
    pub network_policy: NetworkPolicy,
}

impl Effective {
    /// Fills in a specification.
    ///
    /// # Panics
    /// If a default of the schema does not fit its type, which a test rules out.
    pub fn of(spec: &FlowCollectorSpec) -> Self {
        let mut tree = serde_json::to_value(spec).expect("a specification is JSON");
        for path in SECTIONS {
            let mut node = &mut tree;
            for key in path.split('.') {
                node = &mut node[key];
            }
            if node.is_null() {
                *node = Value::Object(Map::new());
            }
        }
        for exporter in tree["exporters"].as_array_mut().into_iter().flatten() {
            if let Some(otlp) = exporter
                .get_mut("openTelemetry")
                .and_then(Value::as_object_mut)
            {
                for signal in ["logs", "metrics"] {
                    otlp.entry(signal)
                        .or_insert_with(|| Value::Object(Map::new()));
                }
            }
        }
        schema::fill_defaults(&SCHEMA, &mut tree);
        let spec: FlowCollectorSpec =
            serde_json::from_value(tree).expect("defaults of the schema fit their types");
        Self {
            namespace: spec
                .namespace
                .filter(|namespace| !namespace.is_empty())
                .unwrap_or_else(|| NAMESPACE.to_owned()),
            deployment_model: spec.deployment_model.unwrap_or(DeploymentModel::Service),
            is_on_hold: spec.execution.and_then(|e| e.mode) == Some(ExecutionMode::OnHold),
            agent: spec.agent.and_then(|agent| agent.ebpf).unwrap_or_default(),
            processor: spec.processor.unwrap_or_default(),
            kafka: spec.kafka.unwrap_or_default(),
            loki: spec.loki.unwrap_or_default(),
            querier: spec.prometheus.and_then(|p| p.querier).unwrap_or_default(),
            console: spec.console_plugin.unwrap_or_default(),
            exporters: spec.exporters.unwrap_or_default(),
            network_policy: spec.network_policy.unwrap_or_default(),
        }
    }

    /// Whether flows go through Kafka.
    pub fn uses_kafka(&self) -> bool {
        self.deployment_model == DeploymentModel::Kafka
    }

    /// Whether a processor on each node listens on a port of the node.
    pub fn uses_host_network(&self) -> bool {
        self.deployment_model == DeploymentModel::Direct
    }

    /// Whether network policies are deployed. `is_plugin_known`: the network plugin is one they are known to work with.
    pub fn deploys_network_policy(&self, is_plugin_known: bool) -> bool {
        self.network_policy.enable.unwrap_or(is_plugin_known)
    }
}

/// How far back the comparison of a trend begins.
pub fn trend_offset(variant: &HealthVariant) -> Duration {
    duration(variant.trend_offset.as_ref(), TREND_OFFSET)
}

/// How long a stretch a trend is compared with.
pub fn trend_duration(variant: &HealthVariant) -> Duration {
    duration(variant.trend_duration.as_ref(), TREND_DURATION)
}

fn duration(given: Option<&GoDuration>, default: Duration) -> Duration {
    given
        .and_then(|text| text.parse().ok())
        .filter(|duration| is_whole_seconds(*duration))
        .unwrap_or(default)
}

/// Whether it can stand in an expression of a trend: whole seconds, at least one.
pub fn is_whole_seconds(duration: Duration) -> bool {
    duration.as_secs() > 0 && duration.subsec_nanos() == 0
}

/// Ports out of range are refused by the schema.
fn port(given: Option<i32>, default: u16) -> u16 {
    given
        .and_then(|port| u16::try_from(port).ok())
        .unwrap_or(default)
}
