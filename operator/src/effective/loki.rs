//! What `spec.loki` means.

use super::Effective;
use crate::apis::flowcollector::loki_connection::LokiConnection;
use crate::apis::flowcollector::v1beta2::loki::LokiMode;

impl Effective {
    /// Whether flows are kept.
    pub fn uses_loki(&self) -> bool {
        self.loki.enable.unwrap_or(true)
    }

    /// Whether the operator deploys a Loki for trying things out.
    pub fn uses_demo_loki(&self) -> bool {
        let section = self.loki.monolithic.as_ref();
        self.uses_loki()
            && self.loki.mode == LokiMode::Monolithic
            && section.and_then(|m| m.install_demo_loki) == Some(true)
    }

    /// Whether flows are kept in the store built into the console.
    pub fn uses_embedded_store(&self) -> bool {
        self.uses_loki() && self.loki.mode == LokiMode::Embedded
    }

    /// Where Loki is.
    pub fn loki_connection(&self) -> LokiConnection {
        LokiConnection::of(&self.loki, &self.namespace)
    }
}
