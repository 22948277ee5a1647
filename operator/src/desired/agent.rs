//! The eBPF agents: a DaemonSet in the privileged namespace, what it may do, and its monitoring.

mod environment;
mod export;
mod filter;
mod host;
mod manager;
mod monitoring;
mod security;

use k8s_openapi::api::apps::v1::{DaemonSet, DaemonSetSpec};
use k8s_openapi::api::core::v1::{Container, PodSpec, PodTemplateSpec, ServiceAccount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::build::{Labels, labels, metadata, schedule, selector, versioned_labels};
use super::volumes::Volumes;
use super::{Component, Context, Desired, references, scrape};
use crate::object::{Key, ObjectError};
use crate::scope::{agent as names, image_version};

/// Volume with the certificate of the metrics.
const METRICS_CERTIFICATE: &str = "prom-certs";

pub fn add(context: &Context, desired: &mut Desired) -> Result<(), ObjectError> {
    if context.facts.is_openshift() {
        desired.add(context, Component::Agent, security::constraints(context))?;
    }
    monitoring::add(context, desired)?;
    manager::add(context, desired)?;
    if context.effective.is_on_hold {
        return Ok(());
    }
    let namespace = context.scope.privileged_namespace();
    let account = ServiceAccount {
        metadata: metadata(names::NAME, Some(&namespace), Labels::new()),
        ..ServiceAccount::default()
    };
    desired.add(context, Component::Agent, account)?;
    let key = Key::namespaced("DaemonSet", "apps", &namespace, names::NAME);
    let digests = references::digests(context, Component::Agent, &key);
    let daemon_set = DaemonSet {
        metadata: metadata(
            names::NAME,
            Some(&namespace),
            versioned_labels(names::NAME, &image_version(&context.images.agent)),
        ),
        spec: DaemonSetSpec {
            selector: selector(names::NAME),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(labels(names::NAME)),
                    annotations: (!digests.is_empty()).then_some(digests),
                    ..ObjectMeta::default()
                }),
                spec: Some(pod(context, desired)),
            },
            ..DaemonSetSpec::default()
        },
        status: None,
    };
    desired.add(context, Component::Agent, daemon_set)
}

fn pod(context: &Context, desired: &mut Desired) -> PodSpec {
    let effective = context.effective;
    let ebpf = &effective.agent;
    let mut volumes = Volumes::default();
    let export = export::variables(context, &mut volumes);
    let metrics = metrics_certificate(context, &mut volumes, desired);
    host::add(context, &mut volumes, desired);
    let env = environment::variables(context, export, metrics);
    let (volumes, mounts) = volumes.into_parts();
    let pod = PodSpec {
        service_account_name: Some(names::NAME.to_owned()),
        host_network: Some(true),
        dns_policy: Some("ClusterFirstWithHostNet".to_owned()),
        volumes,
        containers: vec![Container {
            name: names::NAME.to_owned(),
            image: Some(context.images.agent.clone()),
            image_pull_policy: ebpf.image_pull_policy.map(|policy| policy.to_string()),
            resources: ebpf.resources.clone(),
            security_context: Some(security::context(effective)),
            env: Some(env),
            volume_mounts: mounts,
            ..Container::default()
        }],
        ..PodSpec::default()
    };
    schedule(pod, effective.agent_scheduling())
}

/// Where the certificate of the metrics is.
fn metrics_certificate(
    context: &Context,
    volumes: &mut Volumes,
    desired: &mut Desired,
) -> Option<super::volumes::CertificatePaths> {
    let effective = context.effective;
    if !effective.has_agent_metrics() {
        return None;
    }
    let server = effective.agent.metrics.as_ref()?.server.as_ref();
    let certificate = scrape::certificate(scrape::tls(server)?, names::METRICS_SERVICE);
    if certificate.is_none() {
        desired.cannot(
            Component::Agent,
            "spec.agent.ebpf.metrics.server.tls is Provided without a certificate: set tls.provided",
        );
    }
    Some(volumes.add_certificate(METRICS_CERTIFICATE, certificate.as_ref()))
}
