//! What a LokiStack of the Loki operator says about itself, in the words of the status.

use serde_json::Value;

use crate::apis::flowcollector::v1beta2::status::ComponentState;

/// Components of a stack, in the order of messages.
const COMPONENTS: [&str; 8] = [
    "compactor",
    "distributor",
    "indexGateway",
    "ingester",
    "querier",
    "queryFrontend",
    "gateway",
    "ruler",
];
/// States of pods that need a look.
const TROUBLED: [&str; 3] = ["failed", "pending", "unknown"];
/// Words in the type of a condition that is bad when it is true.
const BAD: [&str; 3] = ["error", "degraded", "failed"];

/// The state of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LokiStack {
    /// In one word of the API.
    pub state: ComponentState,
    /// Why, in one word.
    pub reason: &'static str,
    /// Why, for the user.
    pub message: String,
    is_known: bool,
}

impl LokiStack {
    /// The cluster has no LokiStacks.
    pub fn without_api() -> Self {
        Self {
            state: ComponentState::Failure,
            reason: "LokiStackAPIMissing",
            message: "the cluster has no LokiStack API: install the Loki operator, or choose another spec.loki.mode"
                .to_owned(),
            is_known: false,
        }
    }

    /// It could not be read.
    pub fn unreadable(namespace: &str, name: &str, why: &str) -> Self {
        Self {
            state: ComponentState::Failure,
            reason: "CantFetchLokiStack",
            message: format!(
                "LokiStack {namespace}/{name} cannot be read: {why}; check spec.loki.lokiStack"
            ),
            is_known: false,
        }
    }

    /// As its status says.
    pub fn of(namespace: &str, name: &str, object: &Value) -> Self {
        let status = &object["status"];
        let conditions: Vec<Condition> = status["conditions"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Condition::of)
            .collect();
        let bad = texts(&conditions, |kind| {
            BAD.iter().any(|word| kind.contains(word))
        });
        let warnings = texts(&conditions, |kind| kind.contains("warning"));
        let not_ready: Vec<String> = conditions
            .iter()
            .filter(|condition| condition.kind == "Ready" && !condition.is_true)
            .map(Condition::text)
            .collect();
        let pods = pods(&status["components"]);
        let (state, reason) = if !bad.is_empty() {
            (ComponentState::Failure, "LokiStackIssues")
        } else if !not_ready.is_empty() {
            (ComponentState::InProgress, "LokiStackNotReady")
        } else if !pods.is_empty() {
            (ComponentState::InProgress, "LokiStackComponentIssues")
        } else if !warnings.is_empty() {
            (ComponentState::Degraded, "LokiStackWarnings")
        } else {
            (ComponentState::Ready, "Ready")
        };
        let found = [bad, not_ready, pods, warnings].concat().join("; ");
        let message = if found.is_empty() {
            String::new()
        } else {
            format!("LokiStack {namespace}/{name}: {found}")
        };
        Self {
            state,
            reason,
            message,
            is_known: true,
        }
    }

    /// Whether it is ready; none if it could not be read.
    pub fn is_ready(&self) -> Option<bool> {
        self.is_known.then_some(self.state == ComponentState::Ready)
    }
}

struct Condition {
    kind: String,
    is_true: bool,
    message: String,
}

impl Condition {
    fn of(value: &Value) -> Option<Self> {
        Some(Self {
            kind: value["type"].as_str()?.to_owned(),
            is_true: value["status"] == "True",
            message: value["message"].as_str().unwrap_or_default().to_owned(),
        })
    }

    fn text(&self) -> String {
        format!("{}: {}", self.kind, self.message)
    }
}

/// Conditions that are true and of a kind, in lower case, that is looked for.
fn texts(conditions: &[Condition], is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
    conditions
        .iter()
        .filter(|condition| condition.is_true)
        .filter(|condition| !matches!(condition.kind.as_str(), "Ready" | "Pending"))
        .filter(|condition| is_wanted(&condition.kind.to_lowercase()))
        .map(Condition::text)
        .collect()
}

/// Pods that need a look, by component.
fn pods(components: &Value) -> Vec<String> {
    let mut texts = Vec::new();
    for component in COMPONENTS {
        let states: Vec<String> = TROUBLED
            .iter()
            .filter_map(|state| {
                let by_state = components[component].as_object()?.iter();
                let names: Vec<&str> = by_state
                    .filter(|(key, _)| key.eq_ignore_ascii_case(state))
                    .flat_map(|(_, names)| names.as_array().into_iter().flatten())
                    .filter_map(Value::as_str)
                    .collect();
                (!names.is_empty())
                    .then(|| format!("{} {state} ({})", names.len(), names.join(", ")))
            })
            .collect();
        if !states.is_empty() {
            let (first, rest) = component.split_at(1);
            texts.push(format!(
                "{}{rest}: {}",
                first.to_uppercase(),
                states.join(", ")
            ));
        }
    }
    texts
}
