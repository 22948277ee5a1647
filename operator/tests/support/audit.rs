//! The API server's audit log: what the manager asked for, and what it was refused.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    pub verb: String,
    pub group: String,
    /// With its subresource behind a slash.
    pub resource: String,
    pub namespace: String,
    pub name: String,
    /// HTTP status of the answer.
    pub code: u64,
    /// What the API server said about it.
    pub message: String,
    /// When it came.
    pub received: Timestamp,
    /// When it was answered.
    pub answered: Timestamp,
}

/// Requests of one user about resources, in order.
pub fn requests(log: &Path, user: &str) -> Vec<Request> {
    let log = std::fs::read_to_string(log).expect("an audit log");
    log.lines()
        // Most lines are of others; this is quick to see.
        .filter(|line| line.contains(user))
        // The last line may be half written.
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|event| event["user"]["username"] == user && event["objectRef"].is_object())
        .map(|event| request(&event))
        .collect()
}

fn request(event: &Value) -> Request {
    let reference = &event["objectRef"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let time = |value: &Value| text(value).parse().unwrap_or_default();
    let mut resource = text(&reference["resource"]);
    if let Some(subresource) = reference["subresource"].as_str() {
        resource = format!("{resource}/{subresource}");
    }
    Request {
        verb: text(&event["verb"]),
        group: text(&reference["apiGroup"]),
        resource,
        namespace: text(&reference["namespace"]),
        name: text(&reference["name"]),
        code: event["responseStatus"]["code"].as_u64().unwrap_or_default(),
        message: text(&event["responseStatus"]["message"]),
        received: time(&event["requestReceivedTimestamp"]),
        answered: time(&event["stageTimestamp"]),
    }
}

/// From the first object that was applied to the answer about the last.
pub fn applying_time(requests: &[Request]) -> Duration {
    let applied = || {
        requests
            .iter()
            .filter(|request| request.verb == "patch" && !request.resource.contains('/'))
    };
    let first = applied().map(|request| request.received).min();
    let last = applied().map(|request| request.answered).max();
    first
        .zip(last)
        .map(|(first, last)| last.duration_since(first).unsigned_abs())
        .unwrap_or_default()
}

/// Requests that were refused and never granted. An API server that just started refuses all for a moment, and what is
/// made in a namespace that goes is refused by nobody's fault.
pub fn refused(requests: &[Request]) -> BTreeSet<String> {
    let same = |one: &Request, other: &Request| {
        (
            &one.verb,
            &one.group,
            &one.resource,
            &one.namespace,
            &one.name,
        ) == (
            &other.verb,
            &other.group,
            &other.resource,
            &other.namespace,
            &other.name,
        )
    };
    requests
        .iter()
        .filter(|request| request.code == 403 && !request.message.contains("being terminated"))
        .filter(|request| {
            let is_granted = |other: &Request| other.code != 403 && same(request, other);
            !requests.iter().any(is_granted)
        })
        .map(|request| {
            format!(
                "{} {}.{} {}/{}: {}",
                request.verb,
                request.resource,
                request.group,
                request.namespace,
                request.name,
                request.message
            )
        })
        .collect()
}
