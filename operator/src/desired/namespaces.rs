//! The two namespaces. Both are merged by label into what is there: a chart may have made them.

use k8s_openapi::api::core::v1::Namespace;

use super::build::{Labels, metadata, texts};
use super::{Component, Context, Desired};
use crate::object::ObjectError;
use crate::scope::label;

/// `app` label of the agents' namespace.
const APP: &str = "netobserv-operator";

pub fn add(context: &Context, desired: &mut Desired) -> Result<(), ObjectError> {
    let main = namespace(context.scope.namespace(), Labels::new());
    desired.add_lasting(Component::Monitoring, main)?;
    let privileged = texts([
        (label::APP, APP),
        (label::POD_SECURITY_ENFORCE, "privileged"),
        (label::POD_SECURITY_AUDIT, "privileged"),
    ]);
    let privileged = namespace(&context.scope.privileged_namespace(), privileged);
    desired.add(context, Component::Agent, privileged)
}

fn namespace(name: &str, labels: Labels) -> Namespace {
    Namespace {
        metadata: metadata(name, None, labels),
        ..Namespace::default()
    }
}
