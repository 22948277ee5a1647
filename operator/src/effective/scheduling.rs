//! Where pods run.

use k8s_openapi::api::core::v1::Toleration;

use crate::apis::flowcollector::v1beta2::shared::Scheduling;

/// Each field that is given replaces the built-in one. `on_every_node`: tolerate every taint unless told otherwise.
pub fn with_defaults(given: Option<&Scheduling>, on_every_node: bool) -> Scheduling {
    let mut scheduling = given.cloned().unwrap_or_default();
    if scheduling.tolerations.is_none() && on_every_node {
        scheduling.tolerations = Some(vec![Toleration {
            operator: Some("Exists".to_owned()),
            ..Toleration::default()
        }]);
    }
    scheduling.priority_class_name = scheduling
        .priority_class_name
        .filter(|name| !name.is_empty());
    scheduling
}
