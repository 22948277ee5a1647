//! What `spec.loki` means.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::Effective;
use crate::apis::flowcollector::loki_connection::{self, LokiConnection};
use crate::apis::flowcollector::v1beta2::agent::Feature;
use crate::apis::flowcollector::v1beta2::loki::LokiMode;
use crate::object::quantity;

/// With waits of 5 s between them some five minutes: time to move a pod and its volume to another node.
const STORE_RETRIES_MIN: i32 = 60;
/// Fields that flows are indexed by.
const LABELS: [&str; 8] = [
    "SrcK8S_Namespace",
    "SrcK8S_OwnerName",
    "SrcK8S_Type",
    "DstK8S_Namespace",
    "DstK8S_OwnerName",
    "DstK8S_Type",
    "K8S_FlowLayer",
    "FlowDirection",
];

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

    /// Namespace and name of the LokiStack that keeps flows, where one does.
    pub fn lokistack(&self) -> Option<(String, String)> {
        let is_used = self.uses_loki() && self.loki.mode == LokiMode::LokiStack;
        is_used.then(|| loki_connection::stack(&self.loki, &self.namespace))
    }

    /// Where Loki is.
    pub fn loki_connection(&self) -> LokiConnection {
        LokiConnection::of(&self.loki, &self.namespace)
    }

    /// How often a write that failed is tried again. The built-in store is away whenever the console's only pod is replaced,
    /// so that few tries would lose flows at every change.
    pub fn loki_write_retries(&self) -> Option<i32> {
        let given = self.loki.advanced.as_ref()?.write_max_retries;
        if self.uses_embedded_store() {
            return Some(given.unwrap_or_default().max(STORE_RETRIES_MIN));
        }
        given
    }

    /// Most bytes that the built-in store keeps; the rest of the volume is for what is written before something else goes.
    pub fn store_bytes(&self) -> Option<i64> {
        let embedded = self.loki.embedded.clone().unwrap_or_default();
        let given = embedded.retention.and_then(|retention| retention.bytes);
        let size = embedded.storage.and_then(|storage| storage.size);
        bytes(given.as_ref()).or(bytes(size.as_ref()).map(|size| size / 5 * 4))
    }

    /// Fields that flows are indexed by: the labels of Loki's streams.
    pub fn loki_labels(&self) -> Vec<&'static str> {
        let processor = &self.processor;
        let mut labels = LABELS.to_vec();
        for (more, is_on) in [
            (&["_RecordType"][..], self.tracks_conversations()),
            (
                &["K8S_ClusterName"],
                processor.multi_cluster_deployment == Some(true),
            ),
            (
                &["SrcK8S_Zone", "DstK8S_Zone"],
                processor.add_zone == Some(true),
            ),
            (&["UdnId"], self.has_feature(Feature::UdnMapping)),
        ] {
            labels.extend(more.iter().filter(|_| is_on));
        }
        let advanced = self.loki.advanced.as_ref();
        let excluded = advanced.and_then(|advanced| advanced.exclude_labels.as_ref());
        labels
            .retain(|label| !excluded.is_some_and(|names| names.iter().any(|name| name == label)));
        labels
    }
}

/// None for what is no quantity.
fn bytes(quantity: Option<&Quantity>) -> Option<i64> {
    i64::try_from(quantity::units(&quantity?.0)?).ok()
}
