//! The state of each exporter: that of the pipeline, which is all that feeds it. Whether its receiver takes what is sent,
//! the pipeline's metrics say.

use super::{Observation, component_status, unused};
use crate::apis::flowcollector::v1beta2::status::{ComponentState, ExporterState, ExporterStatus};
use crate::desired::Component;

/// One entry per exporter, in their order; none where there are none.
pub fn compute(observation: &Observation) -> Option<Vec<ExporterStatus>> {
    let exporters = observation.spec.exporters.as_ref()?;
    if exporters.is_empty() {
        return None;
    }
    let processor = observation.reports.get(&Component::Processor);
    let processor = processor.map_or_else(|| component_status(&unused()), component_status);
    let state = match processor.state {
        ComponentState::Ready => ExporterState::Ready,
        ComponentState::InProgress => ExporterState::InProgress,
        ComponentState::Failure => ExporterState::Failure,
        ComponentState::Degraded => ExporterState::Degraded,
        ComponentState::Unknown | ComponentState::Unused => ExporterState::Unknown,
    };
    let (reason, message) = match state {
        ExporterState::Ready => (Some("Configured".to_owned()), None),
        _ => (processor.reason, processor.message),
    };
    let exporters = exporters.iter().enumerate();
    let exporters = exporters.map(|(index, exporter)| ExporterStatus {
        name: format!("{}-export-{index}", exporter.kind.as_str().to_lowercase()),
        kind: exporter.kind,
        state,
        reason: reason.clone(),
        message: message.clone(),
    });
    Some(exporters.collect())
}
