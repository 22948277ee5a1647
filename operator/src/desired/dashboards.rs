//! Dashboards in the OpenShift console: on the metrics made of flows, and on NetObserv's own work.

mod charts;
mod flows;
mod grafana;
mod health;

use k8s_openapi::api::core::v1::ConfigMap;

use self::grafana::Dashboard;
use super::build::{metadata, texts};
use super::{Component, Context, Desired};
use crate::apis::flowmetric::Chart;
use crate::object::ObjectError;
use crate::scope::{METRICS_PREFIX, dashboard as names};

/// Nothing on other platforms: there is nobody who shows them.
pub fn add(context: &Context, desired: &mut Desired) -> Result<(), ObjectError> {
    if !context.facts.is_openshift() {
        return Ok(());
    }
    if !context.facts.has_monitors() {
        desired.lack(
            Component::Monitoring,
            "ServiceMonitorMissing",
            "the cluster has no API for ServiceMonitors, so there are neither metrics nor dashboards; install the \
             Prometheus operator",
        );
        return Ok(());
    }
    let made = context.effective.metrics();
    for named in flows::dashboards(&charts(context, &made)) {
        let name = format!("{}{}", names::FLOWS_PREFIX, named.name);
        add_one(context, desired, &name, names::FLOWS_KEY, &named.dashboard)?;
    }
    let health = health::dashboard(context, &made);
    add_one(context, desired, names::HEALTH, names::HEALTH_KEY, &health)
}

/// Charts of all metrics, each with the full name of its metric: predefined ones in their order, then those of users.
fn charts(context: &Context, made: &[String]) -> Vec<(String, Chart)> {
    let predefined = super::config::predefined(context.effective).into_iter();
    let mut charts: Vec<_> = predefined
        .flat_map(|metric| {
            let full_name = format!("{METRICS_PREFIX}{}", metric.name);
            let of_metric = charts::of(&metric.name, made).into_iter();
            of_metric.map(move |chart| (full_name.clone(), chart))
        })
        .collect();
    for metric in &context.metrics().made {
        let of_metric = metric.spec.charts.iter().flatten();
        charts.extend(of_metric.map(|chart| (metric.prometheus_name(), chart.clone())));
    }
    charts
}

fn add_one(
    context: &Context,
    desired: &mut Desired,
    name: &str,
    key: &str,
    dashboard: &Dashboard,
) -> Result<(), ObjectError> {
    let text = serde_json::to_string(dashboard).map_err(|source| ObjectError::Serialize {
        kind: "dashboard".to_owned(),
        source,
    })?;
    let labels = texts([(names::LABEL, names::LABEL_YES)]);
    let config_map = ConfigMap {
        metadata: metadata(name, Some(names::NAMESPACE), labels),
        data: Some(texts([(key, &text)])),
        ..ConfigMap::default()
    };
    desired.add(context, Component::Monitoring, config_map)
}
