//! What `spec.consolePlugin` and `spec.prometheus` mean.

use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::{Effective, port, scheduling};
use crate::apis::flowcollector::v1beta2::console::resources;
use crate::apis::flowcollector::v1beta2::shared::{HpaStatus, Scheduling};

/// Port of the console, unless told otherwise.
const CONSOLE_PORT: u16 = 9001;
/// Replicas of the console, unless told otherwise.
const CONSOLE_REPLICAS: i32 = 1;

impl Effective {
    /// Whether the console asks Prometheus.
    pub fn uses_prometheus(&self) -> bool {
        self.querier.enable.unwrap_or(true)
    }

    /// Whether the console is told where Prometheus is. A console with the built-in store answers everything from it.
    pub fn asks_prometheus(&self) -> bool {
        self.uses_prometheus() && !self.uses_embedded_store()
    }

    /// Whether there is a console: it is on, and has something to show.
    pub fn has_console(&self) -> bool {
        (self.uses_loki() || self.uses_prometheus()) && self.console.enable.unwrap_or(true)
    }

    /// Whether the console is a page of its own. `has_plugins`: the cluster has the API of console plugins.
    pub fn is_console_standalone(&self, has_plugins: bool) -> bool {
        self.console.standalone.unwrap_or(!has_plugins)
    }

    /// Whether the console's workload is deployed. `has_plugins`: the cluster has the API of console plugins.
    pub fn deploys_console(&self, has_plugins: bool) -> bool {
        self.has_console()
            && (has_plugins || self.is_console_standalone(has_plugins))
            && !self.is_on_hold
    }

    /// Whether the console registers itself with the OpenShift console.
    pub fn registers_console(&self) -> bool {
        let advanced = self.console.advanced.as_ref();
        advanced.and_then(|a| a.register).unwrap_or(true)
    }

    /// Port of the console.
    pub fn console_port(&self) -> u16 {
        port(
            self.console.advanced.as_ref().and_then(|a| a.port),
            CONSOLE_PORT,
        )
    }

    /// Whether the operator deploys an autoscaler for the console.
    pub fn has_console_autoscaler(&self) -> bool {
        let autoscaler = self.console.autoscaler.as_ref();
        autoscaler.and_then(|hpa| hpa.status) == Some(HpaStatus::Enabled)
            && !self.uses_embedded_store()
    }

    /// Replicas of the console, unless they are left alone. The built-in store is in the only one.
    pub fn console_replicas(&self) -> Option<i32> {
        if self.uses_embedded_store() {
            return Some(1);
        }
        let is_left_alone =
            self.console.unmanaged_replicas == Some(true) || self.has_console_autoscaler();
        (!is_left_alone).then(|| self.console.replicas.unwrap_or(CONSOLE_REPLICAS))
    }

    /// CPU and memory of the console. Where the store is built in, the schema's default gives way to what the store needs:
    /// two million rows in memory, and queries and merges beside them.
    pub fn console_resources(&self) -> Option<ResourceRequirements> {
        let given = self.console.resources.as_ref();
        let is_default =
            given.is_none_or(|given| serde_json::to_value(given).is_ok_and(|g| g == resources()));
        if !(is_default && self.uses_embedded_store()) {
            return given.cloned();
        }
        let quantities = |pairs: &[(&str, &str)]| {
            let owned =
                |(name, value): &(&str, &str)| ((*name).to_owned(), Quantity((*value).to_owned()));
            Some(pairs.iter().map(owned).collect())
        };
        Some(ResourceRequirements {
            requests: quantities(&[("cpu", "100m"), ("memory", "256Mi")]),
            limits: quantities(&[("memory", "2Gi")]),
            ..ResourceRequirements::default()
        })
    }

    /// Where the console runs.
    pub fn console_scheduling(&self) -> Scheduling {
        let advanced = self.console.advanced.as_ref();
        scheduling::with_defaults(advanced.and_then(|a| a.scheduling.as_ref()), false)
    }
}
