//! The pipeline's pods.

use k8s_openapi::api::apps::v1::{DaemonSet, DaemonSetSpec, Deployment, DeploymentSpec};
use k8s_openapi::api::core::v1::{
    Container, ContainerPort, EnvVar, HTTPGetAction, PodSpec, PodTemplateSpec, Probe, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{FLOWS, METRICS, names};
use crate::desired::build::{
    memory_limit, metadata, restricted, schedule, selector, texts, variable, versioned_labels,
};
use crate::desired::config::{CONFIG_FOLDER, Rendered};
use crate::desired::{Component, Context, references};
use crate::object::Key;
use crate::scope::{annotation, image_version, pipeline as scope};

/// Name of the health port, which probes refer to.
const HEALTH: &str = "health";

/// For the Service and Kafka models.
pub fn deployment(context: &Context, rendered: Rendered) -> Deployment {
    let (metadata, selector, template) = parts(context, "Deployment", rendered);
    Deployment {
        metadata,
        spec: DeploymentSpec {
            replicas: context.effective.processor_replicas(),
            selector,
            template,
            ..DeploymentSpec::default()
        },
        status: None,
    }
}

/// For the Direct model: one pod on each node.
pub fn daemon_set(context: &Context, rendered: Rendered) -> DaemonSet {
    let (metadata, selector, template) = parts(context, "DaemonSet", rendered);
    DaemonSet {
        metadata,
        spec: DaemonSetSpec {
            selector,
            template,
            ..DaemonSetSpec::default()
        },
        status: None,
    }
}

fn parts(
    context: &Context,
    kind: &str,
    rendered: Rendered,
) -> (ObjectMeta, LabelSelector, PodTemplateSpec) {
    let app = names(context).app;
    let labels = versioned_labels(app, &image_version(&context.images.pipeline));
    let metrics_port = context.effective.processor_metrics_port().to_string();
    let mut annotations = texts([
        (annotation::CONFIG_DIGEST, &rendered.digest),
        (annotation::SCRAPE, "true"),
        (annotation::SCRAPE_PORT, &metrics_port),
    ]);
    let key = Key::namespaced(kind, "apps", context.scope.namespace(), app);
    annotations.extend(references::digests(context, Component::Processor, &key));
    let template = PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels.clone()),
            annotations: Some(annotations),
            ..ObjectMeta::default()
        }),
        spec: Some(pod(context, rendered)),
    };
    (
        metadata(app, Some(context.scope.namespace()), labels),
        selector(app),
        template,
    )
}

fn pod(context: &Context, rendered: Rendered) -> PodSpec {
    let has_host_network = context.has_host_network();
    let dns_policy = if has_host_network {
        "ClusterFirstWithHostNet"
    } else {
        "ClusterFirst"
    };
    let (volumes, mounts) = rendered.volumes.into_parts();
    let pod = PodSpec {
        service_account_name: Some(names(context).app.to_owned()),
        host_network: has_host_network.then_some(true),
        dns_policy: Some(dns_policy.to_owned()),
        volumes,
        containers: vec![container(context, mounts)],
        ..PodSpec::default()
    };
    schedule(pod, context.effective.processor_scheduling())
}

fn container(context: &Context, mounts: Option<Vec<VolumeMount>>) -> Container {
    let effective = context.effective;
    let processor = &effective.processor;
    let has_probes = effective.has_processor_probes();
    Container {
        name: scope::NAME.to_owned(),
        image: Some(context.images.pipeline.clone()),
        image_pull_policy: processor.image_pull_policy.map(|policy| policy.to_string()),
        args: Some(vec![format!(
            "--config={CONFIG_FOLDER}/{}",
            scope::CONFIG_KEY
        )]),
        env: Some(environment(context)),
        ports: Some(ports(context)),
        liveness_probe: has_probes.then(|| probe("/live", None)),
        startup_probe: has_probes.then(|| probe("/ready", Some(5))),
        resources: processor.resources.clone(),
        security_context: Some(restricted()),
        volume_mounts: mounts,
        ..Container::default()
    }
}

/// The user's variables, sorted, and those of ours that the user does not set.
fn environment(context: &Context) -> Vec<EnvVar> {
    let processor = &context.effective.processor;
    let advanced = processor.advanced.as_ref();
    let given = advanced
        .and_then(|advanced| advanced.env.clone())
        .unwrap_or_default();
    let mut ours = vec![variable("GODEBUG", "http2server=0")];
    ours.extend(memory_limit(processor.resources.as_ref()));
    ours.retain(|variable| !given.contains_key(&variable.name));
    given
        .iter()
        .map(|(name, value)| variable(name, value))
        .chain(ours)
        .collect()
}

fn ports(context: &Context) -> Vec<ContainerPort> {
    let effective = context.effective;
    let port = |name: &str, number: u16| ContainerPort {
        name: Some(name.to_owned()),
        container_port: number.into(),
        ..ContainerPort::default()
    };
    let tcp = || Some("TCP".to_owned());
    let mut ports = Vec::new();
    if !effective.uses_kafka() {
        let number = effective.processor_port();
        ports.push(ContainerPort {
            host_port: effective.uses_host_network().then(|| number.into()),
            protocol: tcp(),
            ..port(FLOWS, number)
        });
    }
    ports.push(port(HEALTH, effective.processor_health_port()));
    ports.push(port(METRICS, effective.processor_metrics_port()));
    if let Some(number) = effective.processor_profile_port() {
        ports.push(ContainerPort {
            protocol: tcp(),
            ..port("pprof", number)
        });
    }
    ports
}

fn probe(path: &str, failure_threshold: Option<i32>) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String(HEALTH.to_owned()),
            ..HTTPGetAction::default()
        }),
        timeout_seconds: Some(5),
        period_seconds: Some(10),
        failure_threshold,
        ..Probe::default()
    }
}
