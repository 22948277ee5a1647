//! Events on the FlowCollector when a component's state changes.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

use crate::apis::flowcollector::v1beta2::status::ComponentState;
use crate::desired::Component;
use crate::status::Report;

/// Longest note of an event; longer ones are refused.
const NOTE_BYTES_MAX: usize = 1024;

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

    /// Publishes what changed since the last call. A lost event is no reason to fail a run; it is tried again in the
    /// next one.
    pub async fn tell(&mut self, about: &ObjectReference, reports: &BTreeMap<Component, Report>) {
        for (component, report) in reports {
            let before = self.seen.get(component).copied();
            let change = before.and_then(|before| change(before, report.state));
            if let Some((kind, reason)) = change {
                let note = format!("{component:?}: {} {}", report.reason, report.message);
                let event = Event {
                    type_: kind,
                    reason: reason.to_owned(),
                    note: Some(cut(note)),
                    // Events that differ in nothing but their note are repetitions of the first.
                    action: format!("Reconcile{component:?}"),
                    secondary: None,
                };
                if let Err(error) = self.recorder.publish(&event, about).await {
                    tracing::warn!(reason, %error, "cannot publish an event");
                    continue;
                }
            }
            self.seen.insert(*component, report.state);
        }
    }
}

/// A note that the API server takes.
fn cut(mut note: String) -> String {
    const END: &str = "...";
    if note.len() > NOTE_BYTES_MAX {
        note.truncate(note.floor_char_boundary(NOTE_BYTES_MAX - END.len()));
        note.push_str(END);
    }
    note
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
