//! Pods that fail, and why: sorted by cause, the same text for the same pods.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt as _;

/// Restarts of a running container that are no accident any more.
const RESTARTS_MAX: i32 = 10;
/// Pods that a cause names.
const NAMES_MAX: usize = 5;
/// Length of a cause's message, in characters.
const MESSAGE_LENGTH_MAX: usize = 200;
/// Cause of pods that wait for their image.
const IMAGE: &str = "ImagePullError";
/// What to do then.
const IMAGE_ADVICE: &str = "name images that the nodes can pull in RELATED_IMAGE_... of the manager's Deployment, or in \
                            the chart's values";

/// Pods that fail, by cause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unhealthy {
    by_cause: BTreeMap<String, Vec<(String, String)>>,
    /// Where there are more pods than were looked at: how many were.
    looked_at: Option<usize>,
}

impl Unhealthy {
    /// Those of `pods` that fail.
    pub fn of(pods: &[Pod]) -> Self {
        let mut unhealthy = Self::default();
        for pod in pods {
            if let Some((cause, message)) = cause(pod) {
                unhealthy
                    .by_cause
                    .entry(cause)
                    .or_default()
                    .push((pod.name_any(), message));
            }
        }
        for pods in unhealthy.by_cause.values_mut() {
            pods.sort();
        }
        unhealthy
    }

    /// How many there are.
    pub fn count(&self) -> i32 {
        let count: usize = self.by_cause.values().map(Vec::len).sum();
        i32::try_from(count).unwrap_or(i32::MAX)
    }

    /// Says that only so many pods were looked at.
    pub fn leave_out_after(&mut self, looked_at: usize) {
        self.looked_at = Some(looked_at);
    }

    /// Adds others.
    pub fn merge(&mut self, other: Self) {
        self.looked_at = self.looked_at.max(other.looked_at);
        for (cause, pods) in other.by_cause {
            let ours = self.by_cause.entry(cause).or_default();
            ours.extend(pods);
            ours.sort();
        }
    }

    /// `2 CrashLoopBackOff (a, b): message; 1 OOMKilled (c)`; empty if none fails.
    pub fn summary(&self) -> String {
        let causes = self.by_cause.iter().map(|(cause, pods)| {
            let names: Vec<&str> = pods
                .iter()
                .take(NAMES_MAX)
                .map(|(name, _)| name.as_str())
                .collect();
            let more = match pods.len().saturating_sub(NAMES_MAX) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let message = pods
                .iter()
                .map(|(_, message)| message)
                .find(|message| !message.is_empty());
            let message = message
                .map(|message| format!(": {}", shortened(message, cause)))
                .unwrap_or_default();
            format!(
                "{} {cause} ({}){more}{message}",
                pods.len(),
                names.join(", ")
            )
        });
        let advice = self.by_cause.contains_key(IMAGE);
        let advice = advice.then(|| IMAGE_ADVICE.to_owned());
        let rest = self
            .looked_at
            .map(|count| format!("only the first {count} pods were looked at"));
        let all = causes.chain(advice).chain(rest);
        all.collect::<Vec<_>>().join("; ")
    }
}

/// Of an image's message the end stays too: it says why, after several times the image's name.
fn shortened(message: &str, cause: &str) -> String {
    let count = message.chars().count();
    if count <= MESSAGE_LENGTH_MAX {
        return message.to_owned();
    }
    let end = if cause == IMAGE {
        MESSAGE_LENGTH_MAX / 2
    } else {
        0
    };
    let part = |from, length| message.chars().skip(from).take(length).collect::<String>();
    let (start, end) = (part(0, MESSAGE_LENGTH_MAX - end), part(count - end, end));
    format!("{start}...{end}")
}

/// Why a pod fails, if it does, and what is said about it.
fn cause(pod: &Pod) -> Option<(String, String)> {
    let status = pod.status.as_ref()?;
    let containers = status
        .init_container_statuses
        .iter()
        .flatten()
        .chain(status.container_statuses.iter().flatten());
    if let Some(cause) = containers.into_iter().find_map(container_cause) {
        return Some(cause);
    }
    let message = status.message.clone().unwrap_or_default();
    match status.phase.as_deref() {
        Some("Failed") => Some(("PodFailed".to_owned(), message)),
        Some("Pending") => status
            .conditions
            .iter()
            .flatten()
            .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")
            .map(|condition| {
                let message = condition.message.clone().unwrap_or_default();
                ("PendingScheduling".to_owned(), message)
            }),
        _ => None,
    }
}

fn container_cause(container: &ContainerStatus) -> Option<(String, String)> {
    let state = container.state.as_ref();
    if let Some(waiting) = state.and_then(|state| state.waiting.as_ref()) {
        let message = waiting.message.clone().unwrap_or_default();
        match waiting.reason.as_deref().unwrap_or_default() {
            "" | "ContainerCreating" | "PodInitializing" => {}
            "ImagePullBackOff" | "ErrImagePull" => {
                return Some((IMAGE.to_owned(), message));
            }
            reason => return Some((reason.to_owned(), message)),
        }
    }
    let terminated = container
        .last_state
        .as_ref()
        .and_then(|state| state.terminated.as_ref());
    if let Some(terminated) = terminated
        && terminated.reason.as_deref() == Some("OOMKilled")
    {
        let message = terminated.message.clone().unwrap_or_default();
        return Some(("OOMKilled".to_owned(), message));
    }
    let is_running = state.is_some_and(|state| state.running.is_some());
    (is_running && container.restart_count > RESTARTS_MAX).then(|| {
        let message = format!("{} restarts", container.restart_count);
        ("FrequentRestarts".to_owned(), message)
    })
}
