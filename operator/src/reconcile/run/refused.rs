//! An object that could not be written or removed, told to the user: what the API server said, and what to do about it.

use kube::core::Status;

use crate::apis::flowcollector::v1beta2::status::ComponentState;
use crate::desired::Component;
use crate::owned::OwnedError;
use crate::status::Report;

/// Fields of objects that the API server names, and the fields of the FlowCollector's section that they come from.
const ORIGINS: [(&str, &str); 8] = [
    (".resources.", "resources"),
    (".tolerations", "advanced.scheduling.tolerations"),
    (".affinity", "advanced.scheduling.affinity"),
    (".nodeSelector", "advanced.scheduling.nodeSelector"),
    ("PriorityClass", "advanced.scheduling.priorityClassName"),
    (".capabilities", "advanced.capOverride"),
    (".env[", "advanced.env"),
    (".ports[", "advanced"),
];

/// The report of a component of which an object could not be written or removed.
pub fn failure(component: Component, error: &OwnedError) -> Report {
    let reason = match component {
        Component::Controller => "ChildReconcilerError",
        Component::Agent => "AgentControllerError",
        Component::Processor => "FLPError",
        Component::Console => "WebConsoleError",
        Component::Monitoring => "MonitoringError",
        Component::NetworkPolicy => "NetworkPolicyError",
        Component::Loki => "DemoLokiError",
        Component::LokiStack => "CantWatchLokiStack",
        Component::StaticPlugin => "StaticPluginError",
    };
    tracing::error!(component = ?component, %error, "cannot reconcile an object");
    let message = match next_step(component, error) {
        Some(step) => format!("{error}; {step}"),
        None => error.to_string(),
    };
    Report::new(ComponentState::Failure, reason, message)
}

/// What to do; none where the error says it.
fn next_step(component: Component, error: &OwnedError) -> Option<String> {
    let OwnedError::Api { source, .. } = error else {
        return None;
    };
    let kube::Error::Api(status) = source else {
        return Some("see whether the API server answers; it is tried again".to_owned());
    };
    Some(match status.code {
        400 | 422 => format!("correct {} of the FlowCollector", origin(component, status)),
        403 => "allow it: a policy, a quota or a role of the cluster forbids it".to_owned(),
        _ => "it is tried again".to_owned(),
    })
}

/// The part of the FlowCollector that a refused object is made of.
fn origin(component: Component, status: &Status) -> String {
    let section = match component {
        Component::Agent => "spec.agent.ebpf",
        Component::Processor => "spec.processor",
        Component::Console => "spec.consolePlugin",
        Component::Loki | Component::LokiStack => "spec.loki",
        Component::NetworkPolicy => "spec.networkPolicy",
        Component::Monitoring => "spec.processor.metrics",
        Component::Controller | Component::StaticPlugin => "spec",
    };
    let has_pods = matches!(
        component,
        Component::Agent | Component::Processor | Component::Console
    );
    let known = ORIGINS.iter().filter(|_| has_pods);
    let mut known = known.filter(|(field, _)| status.message.contains(field));
    known.next().map_or_else(
        || section.to_owned(),
        |(_, field)| format!("{section}.{field}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Key;

    /// A user once read `ApiError: … (Status { status: Some(Failure) …` where the words of the API server belong.
    #[test]
    fn a_refusal_is_told_in_the_words_of_the_api_server_with_the_next_step() {
        let invalid = "DaemonSet.apps \"a\" is invalid: spec.template.spec.containers[0].resources.requests: Invalid value";
        for (component, code, message, step) in [
            (
                Component::Agent,
                422,
                invalid,
                "correct spec.agent.ebpf.resources of the FlowCollector",
            ),
            (
                Component::NetworkPolicy,
                422,
                invalid,
                "correct spec.networkPolicy of the FlowCollector",
            ),
            (
                Component::Processor,
                422,
                "spec.template.spec.tolerations[0].operator: Unsupported value",
                "correct spec.processor.advanced.scheduling.tolerations of the FlowCollector",
            ),
            (
                Component::Console,
                403,
                "exceeded quota",
                "allow it: a policy, a quota or a role of the cluster forbids it",
            ),
            (Component::Agent, 500, "no leader", "it is tried again"),
        ] {
            let status = Status::failure(message, "Because").with_code(code);
            let error = OwnedError::Api {
                step: "apply",
                key: Key {
                    kind: "DaemonSet".to_owned(),
                    group: "apps".to_owned(),
                    namespace: Some("n".to_owned()),
                    name: "a".to_owned(),
                },
                source: kube::Error::Api(status.boxed()),
            };
            let report = failure(component, &error);
            let expected = format!("apply DaemonSet n/a: {message}; {step}");
            assert_eq!(report.message, expected);
            assert_eq!(report.state, ComponentState::Failure);
        }
    }
}
