//! Loss counters of all components, which the console reads where it has the built-in store: headless Services, whose names
//! mean the address of every pod, and the list of their metrics.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use serde::Serialize;
use serde_with::skip_serializing_none;

use super::build::{Labels, metadata, texts};
use super::console::is_standalone;
use super::pipeline::names;
use super::service_tls::{authority_file, authority_name};
use super::volumes::{Volumes, some};
use super::{Component, Context, Desired, scrape};
use crate::apis::flowcollector::v1beta2::shared::{
    FileReference, MetricsServer, ServerTls, ServerTlsType,
};
use crate::object::ObjectError;
use crate::scope::{agent, authority, console, label, store as scope};

/// One page of metrics.
#[skip_serializing_none]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    component: &'static str,
    url: String,
    ca_path: Option<String>,
    server_name: Option<String>,
}

/// Pods of one component.
struct Pods<'a> {
    component: &'static str,
    app: &'static str,
    /// The headless Service.
    service: &'static str,
    namespace: String,
    port: u16,
    tls: Option<&'a ServerTls>,
    /// Service whose name the certificate is for.
    certified: &'static str,
}

/// Agents that serve no metrics cannot be asked.
fn pods<'a>(context: &'a Context) -> Vec<Pods<'a>> {
    fn tls(server: Option<&MetricsServer>) -> Option<&ServerTls> {
        scrape::tls(server)
    }
    let effective = context.effective;
    let of_agents = effective.agent.metrics.as_ref();
    let of_pipelines = effective.processor.metrics.as_ref();
    let mut pods = Vec::new();
    if effective.has_agent_metrics() {
        pods.push(Pods {
            component: "agent",
            app: agent::NAME,
            service: scope::AGENT_LOSSES,
            namespace: context.scope.privileged_namespace(),
            port: effective.agent_metrics_port(),
            tls: tls(of_agents.and_then(|metrics| metrics.server.as_ref())),
            certified: agent::METRICS_SERVICE,
        });
    }
    let names = names(context);
    pods.push(Pods {
        component: "pipeline",
        app: names.app,
        service: scope::PIPELINE_LOSSES,
        namespace: context.scope.namespace().to_owned(),
        port: effective.processor_metrics_port(),
        tls: tls(of_pipelines.and_then(|metrics| metrics.server.as_ref())),
        certified: names.metrics_service,
    });
    pods
}

/// The Services, where flows are kept in the built-in store.
pub fn add(context: &Context, desired: &mut Desired) -> Result<(), ObjectError> {
    for pods in pods(context) {
        let service = Service {
            metadata: metadata(pods.service, Some(&pods.namespace), own_labels()),
            spec: Some(ServiceSpec {
                cluster_ip: Some("None".to_owned()),
                selector: Some(texts([(label::APP, pods.app)])),
                // A pod that is not ready loses most.
                publish_not_ready_addresses: Some(true),
                ports: Some(vec![ServicePort {
                    name: Some("metrics".to_owned()),
                    port: pods.port.into(),
                    protocol: Some("TCP".to_owned()),
                    ..ServicePort::default()
                }]),
                ..ServiceSpec::default()
            }),
            status: None,
        };
        desired.add(context, Component::Loki, service)?;
    }
    Ok(())
}

/// Without the component's `app`, by which its ServiceMonitor selects what is scraped: that is not this as well.
fn own_labels() -> Labels {
    texts([(label::PART_OF, label::PART_OF_VALUE)])
}

/// What the console reads: these, and its own counters.
pub fn targets(context: &Context, volumes: &mut Volumes) -> Vec<Target> {
    let mut targets: Vec<Target> = pods(context)
        .into_iter()
        .map(|pods| {
            let host = format!("{}.{}.svc", pods.service, pods.namespace);
            let certified = format!("{}.{}.svc", pods.certified, pods.namespace);
            let volume = format!("losses-{}-ca", pods.component);
            Target {
                component: pods.component,
                url: url(pods.tls.is_some(), &host, pods.port),
                ca_path: pods
                    .tls
                    .and_then(|tls| some(volumes.add_file(&volume, given(context, tls).as_ref()))),
                server_name: pods.tls.map(|_| certified),
            }
        })
        .collect();
    let own = own(context, volumes);
    targets.push(own);
    targets
}

/// Who must have signed a component's certificate.
fn given(context: &Context, tls: &ServerTls) -> Option<FileReference> {
    if tls.kind == ServerTlsType::Auto {
        Some(authority_file(authority_name(context)))
    } else {
        scrape::given_authority(tls).cloned()
    }
}

fn own(context: &Context, volumes: &mut Volumes) -> Target {
    let is_plain = is_standalone(context);
    let authority = authority_file(authority::OPENSHIFT);
    let namespace = context.scope.namespace();
    Target {
        component: "console",
        url: url(!is_plain, "127.0.0.1", console::METRICS_PORT),
        ca_path: (!is_plain)
            .then(|| volumes.add_file("losses-console-ca", Some(&authority)))
            .and_then(some),
        server_name: (!is_plain).then(|| format!("{}.{namespace}.svc", console::NAME)),
    }
}

fn url(is_secure: bool, host: &str, port: u16) -> String {
    let scheme = if is_secure { "https" } else { "http" };
    format!("{scheme}://{host}:{port}/metrics")
}
