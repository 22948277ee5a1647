//! Metrics of the agents: Service, scraping, and the alert on flows that they lose.

use k8s_openapi::api::core::v1::Service;

use crate::apis::external::monitoring::{
    NamespaceSelector, PrometheusRule, PrometheusRuleSpec, Rule, RuleGroup, ServiceMonitor,
    ServiceMonitorSpec,
};
use crate::apis::flowcollector::v1beta2::agent::AgentAlert;
use crate::apis::flowcollector::v1beta2::shared::ServerTls;
use crate::desired::build::{labels, metadata, selector, service, texts};
use crate::desired::{Component, Context, Desired, scrape};
use crate::object::ObjectError;
use crate::scope::{agent as names, annotation};

/// Name of the Service's port.
const PORT: &str = "metrics";
/// Time between two scrapes.
const INTERVAL: &str = "30s";
/// Lost flows per second, over all agents, above which the alert fires.
const DROPPED: &str = "sum(rate(netobserv_agent_dropped_flows_total[1m])) > 100";
/// How long they must be lost.
const DROPPED_FOR: &str = "10m";

/// Nothing if the agents serve no metrics; on hold there is no Service, as nothing stands behind it.
pub fn add(context: &Context, desired: &mut Desired) -> Result<(), ObjectError> {
    if !context.effective.has_agent_metrics() {
        return Ok(());
    }
    if !context.effective.is_on_hold {
        desired.add(context, Component::Agent, metrics_service(context))?;
    }
    desired.add(context, Component::Agent, monitor(context))?;
    desired.add(context, Component::Agent, alerts(context))
}

fn server<'a>(context: &'a Context) -> Option<&'a ServerTls> {
    let metrics = context.effective.agent.metrics.as_ref()?;
    scrape::tls(metrics.server.as_ref())
}

fn metrics_service(context: &Context) -> Service {
    let namespace = context.scope.privileged_namespace();
    let mut metadata = metadata(
        names::METRICS_SERVICE,
        Some(&namespace),
        labels(names::NAME),
    );
    if scrape::is_automatic(server(context)) {
        metadata.annotations = Some(texts([(annotation::SERVING_CERT, names::METRICS_SERVICE)]));
    }
    let port = context.effective.agent_metrics_port();
    service(metadata, names::NAME, PORT, port)
}

fn monitor(context: &Context) -> ServiceMonitor {
    let namespace = context.scope.privileged_namespace();
    let host = format!("{}.{namespace}.svc", names::METRICS_SERVICE);
    ServiceMonitor {
        metadata: metadata(names::MONITOR, Some(&namespace), labels(names::NAME)),
        spec: ServiceMonitorSpec {
            endpoints: vec![scrape::endpoint(
                context,
                server(context),
                PORT,
                INTERVAL,
                host,
            )],
            namespace_selector: NamespaceSelector {
                match_names: vec![namespace],
            },
            selector: selector(names::NAME),
            ..ServiceMonitorSpec::default()
        },
    }
}

fn alerts(context: &Context) -> PrometheusRule {
    let namespace = context.scope.privileged_namespace();
    let metrics = context.effective.agent.metrics.as_ref();
    let is_disabled = metrics
        .and_then(|metrics| metrics.disable_alerts.as_ref())
        .is_some_and(|disabled| disabled.contains(&AgentAlert::DroppedFlows));
    let rules = if is_disabled {
        Vec::new()
    } else {
        vec![dropped_flows()]
    };
    PrometheusRule {
        metadata: metadata(names::ALERTS, Some(&namespace), labels(names::NAME)),
        spec: PrometheusRuleSpec {
            groups: vec![RuleGroup {
                name: "NetobservEBPFAgentAlerts".to_owned(),
                rules,
            }],
        },
    }
}

fn dropped_flows() -> Rule {
    Rule {
        alert: Some(AgentAlert::DroppedFlows.to_string()),
        expr: DROPPED.to_owned(),
        during: Some(DROPPED_FOR.to_owned()),
        labels: texts([("severity", "warning"), ("app", "netobserv")]),
        annotations: texts([
            (
                "summary",
                "NetObserv agents lose flows: what is shown is less than what there was",
            ),
            (
                "description",
                "The eBPF agents drop more than 100 flows per second. Raise cacheMaxFlows or sampling under spec.agent.ebpf, or filter flows.",
            ),
        ]),
        ..Rule::default()
    }
}
