//! What `spec.consolePlugin` and `spec.prometheus` mean.

use super::{Effective, port, scheduling};
use crate::apis::flowcollector::v1beta2::shared::Scheduling;

/// Port of the console, unless told otherwise.
const CONSOLE_PORT: u16 = 9001;
/// Replicas of the console, unless told otherwise.
const CONSOLE_REPLICAS: i32 = 1;

impl Effective {
    /// Whether the console asks Prometheus.
    pub fn uses_prometheus(&self) -> bool {
        self.querier.enable.unwrap_or(true)
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

    /// Replicas of the console, unless they are left alone.
    pub fn console_replicas(&self) -> Option<i32> {
        let is_left_alone = self.console.unmanaged_replicas == Some(true);
        (!is_left_alone).then(|| self.console.replicas.unwrap_or(CONSOLE_REPLICAS))
    }

    /// Where the console runs.
    pub fn console_scheduling(&self) -> Scheduling {
        let advanced = self.console.advanced.as_ref();
        scheduling::with_defaults(advanced.and_then(|a| a.scheduling.as_ref()), false)
    }
}
