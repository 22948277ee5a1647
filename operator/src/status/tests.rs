//! Tables of what was observed and the status that it makes.
#![allow(clippy::unwrap_used, reason = "tests")]

mod conditions;
mod parts;
mod workloads;

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

use super::{Issues, Observation, Report, compute};
use crate::apis::flowcollector::v1beta2::FlowCollectorSpec;
use crate::apis::flowcollector::v1beta2::status::{ComponentState, FlowCollectorStatus};
use crate::desired::Component;

fn status(
    states: &[(Component, ComponentState)],
    previous: Option<&FlowCollectorStatus>,
    second: i64,
) -> FlowCollectorStatus {
    status_of(&FlowCollectorSpec::default(), states, previous, second)
}

fn status_of(
    spec: &FlowCollectorSpec,
    states: &[(Component, ComponentState)],
    previous: Option<&FlowCollectorStatus>,
    second: i64,
) -> FlowCollectorStatus {
    let reports: BTreeMap<Component, Report> = states
        .iter()
        .map(|(component, state)| (*component, Report::new(*state, "Why", "because")))
        .collect();
    compute(&Observation {
        spec,
        generation: Some(3),
        reports: &reports,
        issues: &Issues::default(),
        previous,
        now: Time(Timestamp::from_second(second).unwrap()),
    })
}

fn condition(status: &FlowCollectorStatus, kind: &str) -> (String, String) {
    let condition = status
        .conditions
        .iter()
        .find(|condition| condition.type_ == kind)
        .unwrap();
    (condition.status.clone(), condition.reason.clone())
}

fn pod(name: &str, status: &Value) -> Pod {
    serde_json::from_value(json!({"metadata": {"name": name}, "status": status})).unwrap()
}

fn container(state: &Value, last: &Value, restarts: i32) -> Value {
    json!({"containerStatuses": [{
        "name": "c", "image": "i", "imageID": "", "ready": false, "restartCount": restarts, "state": state, "lastState": last,
    }]})
}
