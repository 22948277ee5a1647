//! What `spec.processor` means.

use super::{Effective, port, scheduling};
use crate::apis::flowcollector::v1beta2::processor::{LogTypes, NetworkIndex, ServiceTlsType};
use crate::apis::flowcollector::v1beta2::shared::{HpaStatus, Scheduling};

/// Port of the processor's metrics, unless told otherwise.
const PROCESSOR_METRICS_PORT: u16 = 9401;
/// Port agents send to, unless told otherwise.
const PROCESSOR_PORT: u16 = 2055;
/// Port of the processor's health checks, unless told otherwise.
const PROCESSOR_HEALTH_PORT: u16 = 8080;
/// Replicas of the processor, unless told otherwise.
const PROCESSOR_REPLICAS: i32 = 3;

impl Effective {
    /// Whether connections are tracked.
    pub fn tracks_conversations(&self) -> bool {
        self.processor
            .log_types
            .is_some_and(|types| types != LogTypes::Flows)
    }

    /// Types of the records that the processor gives out.
    pub fn record_types(&self) -> &'static [&'static str] {
        match self.processor.log_types {
            None | Some(LogTypes::Flows) => &["flowLog"],
            Some(LogTypes::Conversations) => &["newConnection", "heartbeat", "endConnection"],
            Some(LogTypes::EndedConversations) => &["endConnection"],
            Some(LogTypes::All) => &["flowLog", "newConnection", "heartbeat", "endConnection"],
        }
    }

    /// Whether address ranges of the cluster are found by themselves, on OpenShift.
    pub fn detects_subnets(&self) -> bool {
        let labels = self.processor.subnet_labels.as_ref();
        labels
            .and_then(|l| l.open_shift_auto_detect)
            .unwrap_or(true)
    }

    /// Whether flows carry names of address ranges.
    pub fn has_subnet_labels(&self) -> bool {
        let labels = self.processor.subnet_labels.as_ref();
        self.detects_subnets()
            || labels
                .and_then(|l| l.custom_labels.as_ref())
                .is_some_and(|l| !l.is_empty())
    }

    /// Keys by which pods are found on secondary networks.
    pub fn secondary_indexes(&self) -> Vec<Vec<NetworkIndex>> {
        let advanced = self.processor.advanced.as_ref();
        match advanced.and_then(|a| a.secondary_networks.as_ref()) {
            Some(networks) => networks
                .iter()
                .map(|network| network.index.clone())
                .collect(),
            None if self.is_agent_privileged() => vec![
                vec![NetworkIndex::Interface, NetworkIndex::Ip],
                vec![NetworkIndex::Interface, NetworkIndex::Mac],
            ],
            None => Vec::new(),
        }
    }

    /// Port of the processor's metrics.
    pub fn processor_metrics_port(&self) -> u16 {
        let server = self
            .processor
            .metrics
            .as_ref()
            .and_then(|m| m.server.as_ref());
        port(server.and_then(|s| s.port), PROCESSOR_METRICS_PORT)
    }

    /// Port agents send to.
    pub fn processor_port(&self) -> u16 {
        port(
            self.processor.advanced.as_ref().and_then(|a| a.port),
            PROCESSOR_PORT,
        )
    }

    /// Port of the processor's health checks.
    pub fn processor_health_port(&self) -> u16 {
        let advanced = self.processor.advanced.as_ref();
        port(advanced.and_then(|a| a.health_port), PROCESSOR_HEALTH_PORT)
    }

    /// Port of the processor's profiler; none if it is off.
    pub fn processor_profile_port(&self) -> Option<u16> {
        let advanced = self.processor.advanced.as_ref();
        Some(port(advanced.and_then(|a| a.profile_port), 0)).filter(|port| *port > 0)
    }

    /// Whether the processor's pods have probes.
    pub fn has_processor_probes(&self) -> bool {
        let advanced = self.processor.advanced.as_ref();
        advanced.and_then(|a| a.enable_kube_probes).unwrap_or(true)
    }

    /// Replicas of the processor, unless they are left alone.
    pub fn processor_replicas(&self) -> Option<i32> {
        let autoscaler = self.processor.kafka_consumer_autoscaler.as_ref();
        let is_left_alone = self.processor.unmanaged_replicas == Some(true)
            || autoscaler.and_then(|hpa| hpa.status) == Some(HpaStatus::Enabled);
        let wanted = self
            .processor
            .consumer_replicas
            .or(self.processor.kafka_consumer_replicas);
        (!is_left_alone).then(|| wanted.unwrap_or(PROCESSOR_REPLICAS))
    }

    /// Certificates between agents and processor, in the Service model.
    pub fn service_tls(&self) -> ServiceTlsType {
        self.processor
            .service
            .as_ref()
            .map(|s| s.tls_type)
            .unwrap_or_default()
    }

    /// Whether slices are read.
    pub fn has_slices(&self) -> bool {
        self.processor
            .slices_config
            .as_ref()
            .is_some_and(|slices| slices.enable)
    }

    /// Where the processor runs: in the Direct model on every node, unless told otherwise.
    pub fn processor_scheduling(&self) -> Scheduling {
        let advanced = self.processor.advanced.as_ref();
        let given = advanced.and_then(|a| a.scheduling.as_ref());
        scheduling::with_defaults(given, self.uses_host_network())
    }
}
