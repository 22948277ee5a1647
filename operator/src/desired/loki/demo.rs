//! The Loki for trying things out: one pod that keeps a day of flows, without a login.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec};
use k8s_openapi::api::core::v1::{ConfigMap, Container, PodSpec, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::claim;
use crate::apis::flowcollector::v1beta2::shared::ReferenceKind;
use crate::desired::build::{labels, metadata, restricted, selector, service, texts};
use crate::desired::config::digest;
use crate::desired::volumes::Volumes;
use crate::desired::{Component, Context, Desired};
use crate::object::ObjectError;
use crate::scope::{annotation, demo_loki as scope};

/// Its configuration; nothing in it depends on the specification.
const CONFIG: &str = include_str!("local-config.yaml");
/// Folder of the configuration in the container.
const CONFIG_FOLDER: &str = "/etc/loki";
/// Folder of the flows in the container.
const FOLDER: &str = "/loki-store";
/// Size of its volume.
const SIZE: &str = "10Gi";
/// Port of push and query.
const PORT: u16 = 3100;

pub fn add(context: &Context, desired: &mut Desired) -> Result<(), ObjectError> {
    let component = Component::Loki;
    let namespaced = |name| metadata(name, Some(context.scope.namespace()), labels(scope::NAME));
    let config_map = ConfigMap {
        metadata: namespaced(scope::CONFIG),
        data: Some(texts([(scope::CONFIG_KEY, CONFIG)])),
        ..ConfigMap::default()
    };
    desired.add(context, component, config_map)?;
    let size = Quantity(SIZE.to_owned());
    let claim = claim(context, scope::CLAIM, scope::NAME, size, None);
    desired.add(context, component, claim)?;
    let deployment = Deployment {
        metadata: namespaced(scope::NAME),
        spec: DeploymentSpec {
            replicas: Some(1),
            selector: selector(scope::NAME),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(labels(scope::NAME)),
                    annotations: Some(texts([(
                        annotation::CONFIG_DIGEST,
                        digest::of(CONFIG).as_str(),
                    )])),
                    ..ObjectMeta::default()
                }),
                spec: Some(pod(context)),
            },
            ..DeploymentSpec::default()
        },
        status: None,
    };
    desired.add(context, component, deployment)?;
    let service = service(namespaced(scope::NAME), scope::NAME, None, PORT);
    desired.add(context, component, service)
}

fn pod(context: &Context) -> PodSpec {
    let mut volumes = Volumes::default();
    volumes.add_claim("loki-store", scope::CLAIM, FOLDER);
    volumes.add_read_only(
        "loki-config",
        ReferenceKind::ConfigMap,
        scope::CONFIG,
        CONFIG_FOLDER,
    );
    let (volumes, mounts) = volumes.into_parts();
    PodSpec {
        volumes,
        containers: vec![Container {
            name: scope::NAME.to_owned(),
            image: Some(context.images.demo_loki.clone()),
            image_pull_policy: Some("IfNotPresent".to_owned()),
            args: Some(vec![format!(
                "-config.file={CONFIG_FOLDER}/{}",
                scope::CONFIG_KEY
            )]),
            security_context: Some(restricted()),
            volume_mounts: mounts,
            ..Container::default()
        }],
        ..PodSpec::default()
    }
}
