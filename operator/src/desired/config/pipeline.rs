//! The pipeline's `config.json`: the fixed part, whose change restarts it, and the dynamic part, which it reads again.

mod connection;
mod conntrack;
mod custom_metrics;
mod enrich;
mod exporters;
mod filter;
mod graph;
mod ingest;
mod loki;
mod metrics;
mod number;
mod otlp_names;
mod stage;

pub use self::metrics::{inventory, predefined};

use serde::Serialize;

use self::graph::{Graph, Link};
use self::stage::{Settings, Stage, Stdout};
use super::digest;
use crate::apis::flowcollector::v1beta2::shared::{CertificateReference, LogLevel};
use crate::desired::Context;
use crate::desired::pipeline::names;
use crate::desired::volumes::Volumes;
use crate::object::ObjectError;
use crate::scope::{METRICS_PREFIX, pipeline as scope};

/// Folder of the configuration in the container.
pub const CONFIG_FOLDER: &str = "/etc/flowlogs-pipeline";

/// The two texts, and the volumes that the fixed one refers to.
#[derive(Debug)]
pub struct Rendered {
    /// For the ConfigMap whose change restarts the pipeline.
    pub fixed: String,
    /// For the ConfigMap that it reads again by itself.
    pub dynamic: String,
    /// Of the fixed part.
    pub digest: String,
    /// The configuration itself, certificates, tokens.
    pub volumes: Volumes,
}

#[derive(Serialize)]
struct Config<'a> {
    #[serde(rename = "dynamicParameters")]
    dynamic_parameters: DynamicParameters<'a>,
    health: Port,
    /// The same as `health`: the binary reads this spelling.
    #[serde(rename = "healthAddr")]
    health_address: String,
    #[serde(rename = "log-level")]
    log_level: LogLevel,
    #[serde(rename = "metricsSettings")]
    metrics_settings: MetricsSettings,
    parameters: Vec<Stage>,
    pipeline: Vec<Link>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<Port>,
}

#[derive(Serialize)]
struct DynamicParameters<'a> {
    namespace: &'a str,
    name: &'a str,
    #[serde(rename = "fileName")]
    file_name: &'a str,
}

#[derive(Serialize)]
struct Port {
    port: u16,
}

#[derive(Serialize)]
struct MetricsSettings {
    port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<ServerFiles>,
    prefix: &'static str,
    #[serde(rename = "noPanic")]
    no_panic: bool,
}

#[derive(Serialize)]
struct ServerFiles {
    #[serde(rename = "certPath")]
    certificate: String,
    #[serde(rename = "keyPath")]
    key: String,
}

#[derive(Serialize)]
struct Dynamic {
    parameters: Vec<Stage>,
}

/// Renders both parts. `metrics` is the certificate of the metrics; none means plain text.
pub fn pipeline(
    context: &Context,
    metrics: Option<&CertificateReference>,
) -> Result<Rendered, ObjectError> {
    let effective = context.effective;
    let names = names(context);
    let mut volumes = Volumes::default();
    volumes.add_config_map("config-volume", names.config, CONFIG_FOLDER);
    let graph = stages(context, &mut volumes);
    let tls = metrics.map(|certificate| {
        let paths = volumes.add_certificate("prom-certs", Some(certificate));
        ServerFiles {
            certificate: paths.certificate,
            key: paths.key,
        }
    });
    let health = effective.processor_health_port();
    let fixed = text(&Config {
        dynamic_parameters: DynamicParameters {
            namespace: context.scope.namespace(),
            name: names.config_dynamic,
            file_name: scope::CONFIG_KEY,
        },
        health: Port { port: health },
        health_address: format!(":{health}"),
        log_level: log_level(context),
        metrics_settings: MetricsSettings {
            port: effective.processor_metrics_port(),
            tls,
            prefix: METRICS_PREFIX,
            no_panic: true,
        },
        parameters: graph.fixed,
        pipeline: graph.links,
        profile: effective.processor_profile_port().map(|port| Port { port }),
    })?;
    let dynamic = text(&Dynamic {
        parameters: graph.dynamic,
    })?;
    Ok(Rendered {
        digest: digest::of(&fixed),
        fixed,
        dynamic,
        volumes,
    })
}

/// All stages in order: one line up to the last that all outputs share, then a branch for each output.
fn stages(context: &Context, volumes: &mut Volumes) -> Graph {
    let mut graph = Graph::default();
    ingest::add(context, &mut graph, volumes);
    conntrack::add(context, &mut graph);
    enrich::add(context, &mut graph);
    filter::add_common(context, &mut graph);
    let trunk = graph.last();
    loki::add(context, &mut graph, &trunk, volumes);
    if log_level(context) == LogLevel::Trace {
        let stdout = Stdout { format: "json" };
        graph.add_after(&trunk, "stdout", Settings::WriteStdout(stdout));
    }
    let mut metrics = metrics::predefined(context.effective);
    metrics.extend(context.metrics().made.iter().map(custom_metrics::custom));
    metrics::add(context, &mut graph, &trunk, &metrics);
    exporters::add(context, &mut graph, &trunk, &metrics, volumes);
    graph
}

fn log_level(context: &Context) -> LogLevel {
    context
        .effective
        .processor
        .log_level
        .unwrap_or(LogLevel::Info)
}

fn text(config: &impl Serialize) -> Result<String, ObjectError> {
    serde_json::to_string(config).map_err(|source| ObjectError::Serialize {
        kind: "pipeline configuration".to_owned(),
        source,
    })
}
