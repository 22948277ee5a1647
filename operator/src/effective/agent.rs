//! What `spec.agent.ebpf` means.

use super::{Effective, port, scheduling};
use crate::apis::flowcollector::v1beta2::agent::Feature;
use crate::apis::flowcollector::v1beta2::flow_filter::FlowFilterRule;
use crate::apis::flowcollector::v1beta2::shared::Scheduling;

/// One packet out of this many is looked at, unless told otherwise.
const SAMPLING: i32 = 50;
/// Port of the agents' metrics, unless told otherwise.
const AGENT_METRICS_PORT: u16 = 9400;

impl Effective {
    /// One packet out of this many is looked at.
    pub fn sampling(&self) -> i32 {
        self.agent.sampling.unwrap_or(SAMPLING)
    }

    /// Whether a feature of the agents is listed.
    pub fn has_feature(&self, feature: Feature) -> bool {
        self.agent.features.iter().flatten().any(|f| *f == feature)
    }

    /// Whether agents are privileged.
    pub fn is_agent_privileged(&self) -> bool {
        self.agent.privileged == Some(true)
    }

    /// Whether drops are seen: the feature alone cannot load its programs.
    pub fn has_packet_drop(&self) -> bool {
        self.has_feature(Feature::PacketDrop)
            && (self.is_agent_privileged() || self.has_feature(Feature::EbpfManager))
    }

    /// Whether agents serve metrics.
    pub fn has_agent_metrics(&self) -> bool {
        self.agent
            .metrics
            .as_ref()
            .and_then(|m| m.enable)
            .unwrap_or(true)
    }

    /// Port of the agents' metrics.
    pub fn agent_metrics_port(&self) -> u16 {
        let server = self.agent.metrics.as_ref().and_then(|m| m.server.as_ref());
        port(server.and_then(|s| s.port), AGENT_METRICS_PORT)
    }

    /// Rules of the agents' filter; none if it is off.
    pub fn flow_filter_rules(&self) -> Vec<FlowFilterRule> {
        match &self.agent.flow_filter {
            Some(filter) if filter.enable == Some(true) => match filter.rules.as_deref() {
                Some(rules) if !rules.is_empty() => rules.to_vec(),
                _ => vec![filter.inline.clone()],
            },
            _ => Vec::new(),
        }
    }

    /// Whether some filter looks at a part of its flows only. Rules of a filter that is off count too.
    pub fn has_filters_sampling(&self) -> bool {
        let samples = |sampling: Option<i32>| sampling.is_some_and(|n| n > 1);
        let rules = self
            .agent
            .flow_filter
            .as_ref()
            .and_then(|f| f.rules.as_ref());
        rules
            .into_iter()
            .flatten()
            .any(|rule| samples(rule.sampling))
            || self
                .processor
                .filters
                .iter()
                .flatten()
                .any(|f| samples(f.sampling))
    }

    /// Where agents run: on every node, unless told otherwise.
    pub fn agent_scheduling(&self) -> Scheduling {
        let advanced = self.agent.advanced.as_ref();
        scheduling::with_defaults(advanced.and_then(|a| a.scheduling.as_ref()), true)
    }
}
