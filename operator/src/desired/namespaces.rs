//! The two namespaces, and who may scrape there. Both are merged by label into what is there: a chart may have made them.

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{RoleBinding, RoleRef, Subject};

use super::build::{Labels, metadata, texts};
use super::{Component, Context, Desired};
use crate::object::ObjectError;
use crate::scope::{label, monitoring, role};

/// `app` label of the agents' namespace.
const APP: &str = "netobserv-operator";

pub fn add(context: &Context, desired: &mut Desired) -> Result<(), ObjectError> {
    let mut main = Labels::new();
    let mut privileged = texts([
        (label::APP, APP),
        (label::POD_SECURITY_ENFORCE, "privileged"),
        (label::POD_SECURITY_AUDIT, "privileged"),
    ]);
    if context.is_downstream {
        main.extend(texts([(label::CLUSTER_MONITORING, "true")]));
        privileged.extend(main.clone());
    }
    let main = namespace(context.scope.namespace(), main);
    desired.add_lasting(Component::Monitoring, main)?;
    let privileged = namespace(&context.scope.privileged_namespace(), privileged);
    desired.add(context, Component::Agent, privileged)?;
    for namespace in [
        context.scope.namespace(),
        &context.scope.privileged_namespace(),
    ] {
        desired.add(context, Component::Monitoring, exposure(namespace))?;
    }
    Ok(())
}

/// Lets the Prometheus of OpenShift find what it scrapes there.
fn exposure(namespace: &str) -> RoleBinding {
    RoleBinding {
        metadata: metadata(monitoring::BINDING, Some(namespace), Labels::new()),
        role_ref: RoleRef {
            api_group: Some("rbac.authorization.k8s.io".to_owned()),
            kind: "ClusterRole".to_owned(),
            name: role::EXPOSE_METRICS.to_owned(),
        },
        subjects: Some(vec![Subject {
            kind: "ServiceAccount".to_owned(),
            name: monitoring::ACCOUNT.to_owned(),
            namespace: Some(monitoring::NAMESPACE.to_owned()),
            ..Subject::default()
        }]),
    }
}

fn namespace(name: &str, labels: Labels) -> Namespace {
    Namespace {
        metadata: metadata(name, None, labels),
        ..Namespace::default()
    }
}
