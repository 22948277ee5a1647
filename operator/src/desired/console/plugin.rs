//! What makes the console a part of OpenShift's own: the plugin's object, its registration, and the plugin that is there
//! before any FlowCollector, with the forms for our resources.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec};
use k8s_openapi::api::core::v1::{Container, PodSpec, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::{Component, Context, Desired, config};
use crate::apis::external::openshift::{
    Backend, ConsolePlugin, ConsolePluginSpec, Internationalization, PluginService, Proxy,
};
use crate::cluster::Facts;
use crate::desired::build::{
    labels, metadata, restricted, selector, service, texts, variable, versioned_labels,
};
use crate::desired::images::version;
use crate::desired::volumes::Volumes;
use crate::desired::{Images, Registration};
use crate::object::ObjectError;
use crate::scope::{annotation, console as scope, image_version, static_plugin as names};

/// The first OpenShift that can load a plugin without a configuration.
const STATIC_SINCE: (u64, u64, u64) = (4, 15, 0);
/// Port of the plugin without a configuration.
const STATIC_PORT: u16 = 9001;

/// The plugin of a FlowCollector's console.
pub fn of(context: &Context) -> ConsolePlugin {
    let namespace = context.scope.namespace();
    let port = context.effective.console_port();
    let proxy = Proxy {
        alias: "backend".to_owned(),
        authorization: "UserToken".to_owned(),
        endpoint: backend(scope::NAME, namespace, port, None),
    };
    let files = backend(scope::NAME, namespace, port, Some("/"));
    ConsolePlugin {
        spec: ConsolePluginSpec {
            proxy: Some(vec![proxy]),
            ..spec("NetObserv plugin", files)
        },
        metadata: metadata(scope::NAME, None, labels(scope::NAME)),
    }
}

fn spec(display_name: &str, backend: Backend) -> ConsolePluginSpec {
    ConsolePluginSpec {
        display_name: display_name.to_owned(),
        backend,
        proxy: None,
        i18n: Internationalization {
            load_type: "Lazy".to_owned(),
        },
    }
}

fn backend(name: &str, namespace: &str, port: u16, base_path: Option<&str>) -> Backend {
    Backend {
        kind: "Service".to_owned(),
        service: PluginService {
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            port: port.into(),
            base_path: base_path.map(str::to_owned),
        },
    }
}

/// Whether OpenShift's console shall list the plugin. Nothing is said where the user registers it by hand.
pub fn registration(context: &Context) -> Option<Registration> {
    let effective = context.effective;
    let is_wanted = effective.has_console();
    (!is_wanted || effective.registers_console()).then_some(Registration {
        plugin: scope::NAME,
        is_wanted,
    })
}

/// What the plugin without a configuration is made of.
#[derive(Debug, Clone)]
pub struct StaticInputs<'a> {
    /// What the cluster is and has.
    pub facts: &'a Facts,
    /// Images of the components.
    pub images: &'a Images,
    /// The operator's own namespace.
    pub namespace: &'a str,
    /// The operator's own Deployment, with which it goes; none if the operator runs elsewhere.
    pub owner: Option<OwnerReference>,
}

/// The plugin with the forms for our resources, whether or not there is a FlowCollector.
pub fn static_plugin(inputs: &StaticInputs) -> Result<Desired, ObjectError> {
    let mut desired = Desired::default();
    let component = Component::StaticPlugin;
    let facts = inputs.facts;
    let openshift = facts.openshift_version.as_deref();
    let is_new = openshift
        .and_then(version)
        .is_some_and(|v| v >= STATIC_SINCE);
    if !(is_new && facts.is_openshift() && facts.has_console_plugins()) {
        return Ok(desired);
    }
    let Some(image) = inputs.images.console.choose(openshift) else {
        return Ok(desired);
    };
    let namespace = inputs.namespace;
    let owned = |metadata: ObjectMeta| ObjectMeta {
        owner_references: inputs.owner.clone().map(|owner| vec![owner]),
        ..metadata
    };
    let versioned = versioned_labels(names::NAME, &image_version(image));
    let mut service_metadata = owned(metadata(names::NAME, Some(namespace), versioned.clone()));
    service_metadata.annotations = Some(texts([(annotation::SERVING_CERT, names::CERTIFICATE)]));
    let service = service(service_metadata, names::NAME, None, STATIC_PORT);
    desired.add_lasting(component, service)?;
    let deployment = Deployment {
        metadata: owned(metadata(names::NAME, Some(namespace), versioned.clone())),
        spec: DeploymentSpec {
            replicas: Some(1),
            selector: selector(names::NAME),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(versioned),
                    ..ObjectMeta::default()
                }),
                spec: Some(static_pod(image)),
            },
            ..DeploymentSpec::default()
        },
        status: None,
    };
    desired.add_lasting(component, deployment)?;
    let files = backend(names::NAME, namespace, STATIC_PORT, Some("/"));
    let plugin = ConsolePlugin {
        metadata: metadata(names::NAME, None, labels(names::NAME)),
        spec: spec("NetObserv static plugin", files),
    };
    desired.add_lasting(component, plugin)?;
    desired.registrations.push(Registration {
        plugin: names::NAME,
        is_wanted: true,
    });
    Ok(desired)
}

/// Without a configuration the console serves the forms alone, with the certificate at its usual place.
fn static_pod(image: &str) -> PodSpec {
    let mut volumes = Volumes::default();
    config::add_certificate(&mut volumes, names::CERTIFICATE);
    let (volumes, mounts) = volumes.into_parts();
    PodSpec {
        volumes,
        containers: vec![Container {
            name: names::NAME.to_owned(),
            image: Some(image.to_owned()),
            args: Some(vec!["-loglevel".to_owned(), "info".to_owned()]),
            env: Some(vec![variable("GODEBUG", "http2server=0")]),
            security_context: Some(restricted()),
            volume_mounts: mounts,
            ..Container::default()
        }],
        ..PodSpec::default()
    }
}
