//! What the pipeline's account may do.

use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding, RoleRef, Subject};

use crate::apis::flowcollector::v1beta2::loki::LokiMode;
use crate::desired::build::{labels, metadata, texts};
use crate::desired::{Component, Context, Desired};
use crate::object::ObjectError;
use crate::scope::pipeline::Names;
use crate::scope::{label, role};

pub fn add(context: &Context, names: &Names, desired: &mut Desired) -> Result<(), ObjectError> {
    let effective = context.effective;
    let has_host_network = effective.uses_host_network() && context.facts.is_openshift();
    let writes_lokistack = effective.uses_loki() && effective.loki.mode == LokiMode::LokiStack;
    for (binding, role, is_wanted) in [
        (names.informers_binding, role::INFORMERS, true),
        (
            names.host_network_binding,
            role::HOST_NETWORK,
            has_host_network,
        ),
        (
            names.loki_writer_binding,
            role::LOKI_WRITER,
            writes_lokistack,
        ),
    ] {
        if is_wanted {
            let binding = ClusterRoleBinding {
                metadata: metadata(binding, None, texts([(label::APP, names.app)])),
                role_ref: cluster_role(role),
                subjects: Some(subjects(context, names)),
            };
            desired.add(context, Component::Processor, binding)?;
        }
    }
    let config_watcher = RoleBinding {
        metadata: metadata(
            names.config_watcher_binding,
            Some(context.scope.namespace()),
            labels(names.app),
        ),
        role_ref: cluster_role(role::CONFIG_WATCHER),
        subjects: Some(subjects(context, names)),
    };
    desired.add(context, Component::Processor, config_watcher)
}

fn subjects(context: &Context, names: &Names) -> Vec<Subject> {
    vec![Subject {
        kind: "ServiceAccount".to_owned(),
        name: names.app.to_owned(),
        namespace: Some(context.scope.namespace().to_owned()),
        ..Subject::default()
    }]
}

fn cluster_role(name: &str) -> RoleRef {
    RoleRef {
        api_group: Some("rbac.authorization.k8s.io".to_owned()),
        kind: "ClusterRole".to_owned(),
        name: name.to_owned(),
    }
}
