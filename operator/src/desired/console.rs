//! The web console: a plugin of OpenShift's console, or a page of its own; its configuration, rights, Services, scaling and
//! monitoring. It may hold the store of flows (`store.rs`).

mod monitoring;
mod plugin;
mod workload;

pub use plugin::{StaticInputs, registration, static_plugin};

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::build::{self, Labels, metadata, service, texts, versioned_labels};
use super::{Component, Context, Desired, config};
use crate::object::ObjectError;
use crate::scope::console as scope;
use crate::scope::{annotation, image_version, label, role};

/// Name of the port of the metrics.
const METRICS: &str = "metrics";

pub fn add(context: &Context, desired: &mut Desired) -> Result<(), ObjectError> {
    let component = Component::Console;
    let effective = context.effective;
    if effective.has_console() {
        // Also on hold: the console would report a plugin that is registered and not there.
        desired.add(context, component, plugin::of(context))?;
    }
    if !effective.deploys_console(has_plugins(context)) {
        return Ok(());
    }
    let Some(image) = image(context) else {
        desired.fail(
            component,
            "ConsolePluginImageError",
            "no image of the console is for this version of OpenShift: give one in --console-plugin-images"
                .to_owned(),
        );
        return Ok(());
    };
    let mut rendered = config::console(context)?;
    desired.notes.append(&mut rendered.notes);
    desired.add(context, component, account(context))?;
    desired.add(context, component, token_review(context))?;
    let config_map = ConfigMap {
        metadata: versioned(context, scope::CONFIG, image),
        data: Some(texts([(scope::CONFIG_KEY, &rendered.text)])),
        ..ConfigMap::default()
    };
    desired.add(context, component, config_map)?;
    desired.add(context, component, page_service(context, image))?;
    let metrics = service(
        versioned(context, scope::METRICS_SERVICE, image),
        scope::NAME,
        METRICS,
        scope::METRICS_PORT,
    );
    desired.add(context, component, metrics)?;
    desired.add(context, component, monitoring::monitor(context))?;
    desired.add(
        context,
        component,
        workload::deployment(context, image, rendered),
    )?;
    match autoscaler(context, image) {
        Some(autoscaler) => desired.add(context, component, autoscaler),
        None => Ok(()),
    }
}

/// Whether the cluster has OpenShift's console plugins.
pub fn has_plugins(context: &Context) -> bool {
    context.facts.has_console_plugins()
}

/// Whether the console is a page of its own.
pub fn is_standalone(context: &Context) -> bool {
    context
        .effective
        .is_console_standalone(has_plugins(context))
}

/// None if there is none for this version of OpenShift; one that says no version takes the default.
fn image<'a>(context: &Context<'a>) -> Option<&'a str> {
    let version = context.facts.openshift_version.as_deref();
    let openshift = context.facts.is_openshift();
    let images = &context.images.console;
    images.choose(openshift.then(|| version.unwrap_or_default()))
}

/// Metadata with the labels of most of the console's objects.
fn versioned(context: &Context, name: &str, image: &str) -> ObjectMeta {
    let labels = versioned_labels(scope::NAME, &image_version(image));
    metadata(name, Some(context.scope.namespace()), labels)
}

fn only_app() -> Labels {
    texts([(label::APP, scope::NAME)])
}

fn account(context: &Context) -> ServiceAccount {
    ServiceAccount {
        metadata: metadata(scope::NAME, Some(context.scope.namespace()), only_app()),
        ..ServiceAccount::default()
    }
}

/// The console asks whose the token of a request is.
fn token_review(context: &Context) -> ClusterRoleBinding {
    ClusterRoleBinding {
        metadata: metadata(scope::TOKEN_REVIEW_BINDING, None, only_app()),
        role_ref: RoleRef {
            api_group: Some("rbac.authorization.k8s.io".to_owned()),
            kind: "ClusterRole".to_owned(),
            name: role::TOKEN_REVIEW.to_owned(),
        },
        subjects: Some(vec![Subject {
            kind: "ServiceAccount".to_owned(),
            name: scope::NAME.to_owned(),
            namespace: Some(context.scope.namespace().to_owned()),
            ..Subject::default()
        }]),
    }
}

fn page_service(context: &Context, image: &str) -> Service {
    let mut metadata = versioned(context, scope::NAME, image);
    metadata.annotations = Some(texts([(annotation::SERVING_CERT, scope::CERTIFICATE)]));
    service(
        metadata,
        scope::NAME,
        None,
        context.effective.console_port(),
    )
}

/// Only if it is asked for.
fn autoscaler(context: &Context, image: &str) -> Option<HorizontalPodAutoscaler> {
    let effective = context.effective;
    let given = effective.console.autoscaler.as_ref()?;
    if !effective.has_console_autoscaler() {
        return None;
    }
    let metadata = versioned(context, scope::NAME, image);
    Some(build::autoscaler(metadata, scope::NAME, given))
}
