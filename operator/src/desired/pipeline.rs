//! The pipeline: a Deployment or, in the Direct model, a DaemonSet in the main namespace; its configuration, rights,
//! Services, scaling and monitoring. In the Kafka model it has other names, so that no agent finds it.

mod bindings;
mod monitoring;
mod workload;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, Service, ServiceAccount};

use super::build::{self, labels, metadata, service, texts, versioned_labels};
use super::{Component, Context, Desired, config, scrape};
use crate::apis::flowcollector::v1beta2::DeploymentModel;
use crate::apis::flowcollector::v1beta2::processor::ServiceTlsType;
use crate::apis::flowcollector::v1beta2::shared::{HpaStatus, MetricsServer, ServerTls};
use crate::object::ObjectError;
use crate::scope::pipeline::{self as scope, Names};
use crate::scope::{annotation, image_version};

/// Name of the port that agents send to.
const FLOWS: &str = "flp";
/// Name of the port of the metrics.
const METRICS: &str = "prometheus";

pub fn add(context: &Context, desired: &mut Desired) -> Result<(), ObjectError> {
    if context.effective.is_on_hold {
        return Ok(());
    }
    let component = Component::Processor;
    for problem in &context.slices().problems {
        desired.cannot(component, problem);
    }
    if let Some(problem) = &context.facts.subnets.problem
        && context.effective.detects_subnets()
    {
        desired.lack(component, "SubnetDetectionError", problem);
    }
    let names = names(context);
    let metrics = scrape::tls(server(context)).map(|tls| {
        let certificate = scrape::certificate(tls, names.metrics_service);
        if certificate.is_none() {
            desired.cannot(
                component,
                "spec.processor.metrics.server.tls is Provided without a certificate: set tls.provided",
            );
        }
        certificate.unwrap_or_default()
    });
    let rendered = config::pipeline(context, metrics.as_ref())?;
    for (name, text) in [
        (names.config, &rendered.fixed),
        (names.config_dynamic, &rendered.dynamic),
    ] {
        let config_map = ConfigMap {
            metadata: metadata(name, Some(context.scope.namespace()), labels(names.app)),
            data: Some(texts([(scope::CONFIG_KEY, text)])),
            ..ConfigMap::default()
        };
        desired.add(context, component, config_map)?;
    }
    let account = ServiceAccount {
        metadata: metadata(
            names.app,
            Some(context.scope.namespace()),
            labels(names.app),
        ),
        ..ServiceAccount::default()
    };
    desired.add(context, component, account)?;
    bindings::add(context, names, desired)?;
    if context.effective.deployment_model == DeploymentModel::Service {
        desired.add(context, component, flows_service(context))?;
    }
    desired.add(context, component, metrics_service(context, names))?;
    monitoring::add(context, names, desired)?;
    if context.effective.uses_host_network() {
        desired.add(context, component, workload::daemon_set(context, rendered))?;
    } else {
        desired.add(context, component, workload::deployment(context, rendered))?;
    }
    match autoscaler(context, names) {
        Some(autoscaler) => desired.add(context, component, autoscaler),
        None => Ok(()),
    }
}

/// Names in the deployment model.
pub fn names(context: &Context) -> &'static Names {
    if context.effective.uses_kafka() {
        &scope::TRANSFORMER
    } else {
        &scope::COLLECTOR
    }
}

/// The endpoint of the metrics, as the specification says it.
fn server<'a>(context: &'a Context) -> Option<&'a MetricsServer> {
    let metrics = context.effective.processor.metrics.as_ref()?;
    metrics.server.as_ref()
}

/// TLS of the metrics; none means plain text.
fn server_tls<'a>(context: &'a Context) -> Option<&'a ServerTls> {
    scrape::tls(server(context))
}

fn flows_service(context: &Context) -> Service {
    let effective = context.effective;
    let labels = versioned_labels(scope::NAME, &image_version(&context.images.pipeline));
    let mut metadata = metadata(scope::NAME, Some(context.scope.namespace()), labels);
    if context.facts.is_openshift()
        && matches!(
            effective.service_tls(),
            ServiceTlsType::Auto | ServiceTlsType::AutoMutual
        )
    {
        metadata.annotations = Some(texts([(annotation::SERVING_CERT, scope::CERTIFICATE)]));
    }
    service(metadata, scope::NAME, FLOWS, effective.processor_port())
}

fn metrics_service(context: &Context, names: &Names) -> Service {
    let name = names.metrics_service;
    let mut metadata = metadata(name, Some(context.scope.namespace()), labels(names.app));
    if scrape::is_automatic(server_tls(context)) {
        metadata.annotations = Some(texts([(annotation::SERVING_CERT, name)]));
    }
    let port = context.effective.processor_metrics_port();
    service(metadata, names.app, METRICS, port)
}

/// Only in the Kafka model, and only if it is asked for.
fn autoscaler(context: &Context, names: &Names) -> Option<HorizontalPodAutoscaler> {
    let effective = context.effective;
    let given = effective.processor.kafka_consumer_autoscaler.as_ref()?;
    if !effective.uses_kafka() || given.status != Some(HpaStatus::Enabled) {
        return None;
    }
    let metadata = metadata(
        names.app,
        Some(context.scope.namespace()),
        labels(names.app),
    );
    Some(build::autoscaler(metadata, names.app, given))
}
