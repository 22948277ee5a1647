//! The block `prometheus`: where the console reads metrics, and which there are.

use serde::Serialize;
use serde_with::skip_serializing_none;

use super::loki::{add_token, authority, enabled};
use crate::apis::duration::GoDuration;
use crate::apis::flowcollector::v1beta2::prometheus::{QuerierManual, QuerierMode};
use crate::apis::flowcollector::v1beta2::shared::{FileReference, ReferenceKind};
use crate::desired::Context;
use crate::desired::config::inventory;
use crate::desired::volumes::{Volumes, some};
use crate::effective::Effective;
use crate::scope::{METRICS_PREFIX, authority as names};

/// Volume with the authority of Prometheus.
const AUTHORITY: &str = "prom-certs-ca";
/// OpenShift's own Prometheus, for who may see the metrics of all namespaces.
const THANOS: &str = "https://thanos-querier.openshift-monitoring.svc.cluster.local.:9091/";
/// The same for who may see those of one namespace.
const THANOS_TENANCY: &str = "https://thanos-querier.openshift-monitoring.svc.cluster.local.:9092/";

#[skip_serializing_none]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Prometheus {
    url: String,
    dev_url: Option<String>,
    alert_manager: Option<AlertManager>,
    timeout: Option<GoDuration>,
    token_path: Option<String>,
    skip_tls: Option<bool>,
    ca_path: Option<String>,
    forward_user_token: Option<bool>,
    metrics: Vec<Metric>,
}

#[skip_serializing_none]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AlertManager {
    url: String,
    skip_tls: Option<bool>,
    ca_path: Option<String>,
}

/// A metric that is made or could be.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metric {
    pub enabled: bool,
    pub name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    value_field: String,
    direction: &'static str,
    pub labels: Vec<String>,
}

impl Metric {
    /// Whether it counts bytes or packets.
    pub fn is_of_traffic(&self) -> bool {
        matches!(self.value_field.as_str(), "Bytes" | "Packets")
    }
}

/// None where Prometheus is not asked.
pub fn of(context: &Context, volumes: &mut Volumes) -> Option<Prometheus> {
    let effective = context.effective;
    if !effective.asks_prometheus() {
        return None;
    }
    let querier = &effective.querier;
    let is_automatic = querier.mode == QuerierMode::Auto;
    let given = querier.manual.clone().unwrap_or_default();
    let block = if is_automatic && context.facts.is_openshift() {
        of_openshift(volumes)
    } else {
        let alert_manager = (!is_automatic).then(|| alert_manager(&given, volumes));
        Prometheus {
            alert_manager: alert_manager.flatten(),
            ..by_hand(&given, volumes)
        }
    };
    Some(Prometheus {
        timeout: querier.timeout.clone(),
        token_path: Some(add_token(volumes)),
        metrics: metrics(effective),
        ..block
    })
}

fn block(url: String) -> Prometheus {
    Prometheus {
        url,
        dev_url: None,
        alert_manager: None,
        timeout: None,
        token_path: None,
        skip_tls: None,
        ca_path: None,
        forward_user_token: None,
        metrics: Vec::new(),
    }
}

fn of_openshift(volumes: &mut Volumes) -> Prometheus {
    let authority = FileReference {
        kind: Some(ReferenceKind::ConfigMap),
        name: Some(names::OPENSHIFT.to_owned()),
        file: Some(names::KEY.to_owned()),
        ..FileReference::default()
    };
    Prometheus {
        dev_url: Some(THANOS_TENANCY.to_owned()),
        ca_path: some(volumes.add_file(AUTHORITY, Some(&authority))),
        forward_user_token: Some(true),
        ..block(THANOS.to_owned())
    }
}

fn by_hand(given: &QuerierManual, volumes: &mut Volumes) -> Prometheus {
    let tls = enabled(given.tls.as_ref());
    let (skip_tls, ca_path) = tls
        .map(|tls| authority(tls, AUTHORITY, volumes))
        .unwrap_or_default();
    Prometheus {
        skip_tls,
        ca_path,
        forward_user_token: given.forward_user_token.filter(|is_on| *is_on),
        ..block(given.url.clone().unwrap_or_default())
    }
}

/// None if it has no address.
fn alert_manager(given: &QuerierManual, volumes: &mut Volumes) -> Option<AlertManager> {
    let given = given.alert_manager.as_ref()?;
    let url = given.url.clone().and_then(some)?;
    let tls = enabled(given.tls.as_ref());
    let (skip_tls, ca_path) = tls
        .map(|tls| authority(tls, "prom-am-certs-ca", volumes))
        .unwrap_or_default();
    Some(AlertManager {
        url,
        skip_tls,
        ca_path,
    })
}

/// All predefined metrics.
pub fn metrics(effective: &Effective) -> Vec<Metric> {
    let metrics = inventory(effective).into_iter();
    metrics
        .map(|(metric, enabled)| Metric {
            enabled,
            kind: match metric.kind {
                "histogram" => "Histogram",
                "gauge" => "Gauge",
                _ => "Counter",
            },
            direction: direction(&metric.name, &metric.value_key),
            name: format!("{METRICS_PREFIX}{}", metric.name),
            value_field: metric.value_key,
            labels: metric.labels,
        })
        .collect()
}

/// Which side counts; what counts flows takes them from either.
fn direction(name: &str, value: &str) -> &'static str {
    match name {
        _ if value.is_empty() => "Any",
        _ if name.contains("_egress_") => "Egress",
        _ if name.contains("_ingress_") => "Ingress",
        _ => "Any",
    }
}
