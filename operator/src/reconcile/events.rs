//! Events on the FlowCollector when a component's state changes.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

use crate::apis::flowcollector::v1beta2::status::ComponentState;
use crate::desired::Component;
use crate::status::Report;

/// Remembers states and tells of changes. What is seen first is no change.
pub struct Events {
    recorder: Recorder,
    seen: BTreeMap<Component, ComponentState>,
}

impl Events {
    /// Under the name that NetObserv's controller uses.
    pub fn new(client: Client) -> Self {
        let reporter = Reporter {
            controller: "flowcollector-controller".to_owned(),
            instance: None,
        };
        Self {
            recorder: Recorder::new(client, reporter),
            seen: BTreeMap::new(),
        }
    }

    /// Publishes what changed since the last call. A lost event is no reason to fail a run.
    pub async fn tell(&mut self, about: &ObjectReference, reports: &BTreeMap<Component, Report>) {
        for (component, report) in reports {
            let before = self.seen.insert(*component, report.state);
            let Some((kind, reason)) = before.and_then(|before| change(before, report.state))
            else {
                continue;
            };
            let event = Event {
                type_: kind,
                reason: reason.to_owned(),
                note: Some(format!(
                    "{component:?}: {} {}",
                    report.reason, report.message
                )),
                action: "Reconcile".to_owned(),
                secondary: None,
            };
            if let Err(error) = self.recorder.publish(&event, about).await {
                tracing::warn!(reason, %error, "cannot publish an event");
            }
        }
    }
}

fn change(before: ComponentState, now: ComponentState) -> Option<(EventType, &'static str)> {
    match (before, now) {
        (before, now) if before == now => None,
        (_, ComponentState::Failure) => Some((EventType::Warning, "ComponentFailure")),
        (_, ComponentState::Degraded) => Some((EventType::Warning, "ComponentDegraded")),
        (ComponentState::Failure, ComponentState::Ready | ComponentState::InProgress) => {
            Some((EventType::Normal, "ComponentRecovered"))
        }
        _ => None,
    }
}
