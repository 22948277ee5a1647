//! Scraping of the pipeline and the alerts on its own work.

use super::{METRICS, server_tls};
use crate::apis::external::monitoring::{
    Endpoint, NamespaceSelector, PrometheusRule, PrometheusRuleSpec, Relabeling, Rule, RuleGroup,
    ServiceMonitor, ServiceMonitorSpec,
};
use crate::desired::build::{metadata, selector, texts, versioned_labels};
use crate::desired::{Component, Context, Desired, health, scrape};
use crate::object::ObjectError;
use crate::scope::pipeline::Names;
use crate::scope::{annotation, image_version, runbook};

/// Time between two scrapes.
const INTERVAL: &str = "15s";
/// How long something must last before an alert fires.
const DURING: &str = "10m";

pub fn add(context: &Context, names: &Names, desired: &mut Desired) -> Result<(), ObjectError> {
    desired.add(context, Component::Processor, monitor(context, names))?;
    desired.add(context, Component::Processor, alerts(context, names))
}

fn monitor(context: &Context, names: &Names) -> ServiceMonitor {
    let namespace = context.scope.namespace();
    let host = format!("{}.{namespace}.svc", names.metrics_service);
    let endpoint = scrape::endpoint(context, server_tls(context), METRICS, INTERVAL, host);
    // Tenants see the metrics of their namespace: it is the side that a metric's name says.
    let relabelings = vec![
        namespace_of(
            "DstK8S_Namespace",
            "netobserv_(workload|namespace)_ingress_.*@(.*)",
            "${2}",
        ),
        namespace_of(
            "SrcK8S_Namespace",
            "netobserv_(workload|namespace)_(egress|flows|drop|rtt|dns)_.*@(.*)",
            "${3}",
        ),
    ];
    let version = image_version(&context.images.pipeline);
    ServiceMonitor {
        metadata: metadata(
            names.monitor,
            Some(namespace),
            versioned_labels(names.app, &version),
        ),
        spec: ServiceMonitorSpec {
            service_discovery_role: context.facts.has_discovery_role.then_some("EndpointSlice"),
            endpoints: vec![Endpoint {
                honor_labels: Some(true),
                metric_relabelings: Some(relabelings),
                ..endpoint
            }],
            namespace_selector: NamespaceSelector {
                match_names: vec![namespace.to_owned()],
            },
            selector: selector(names.app),
        },
    }
}

fn namespace_of(label: &str, regex: &str, replacement: &str) -> Relabeling {
    Relabeling {
        action: "replace".to_owned(),
        separator: "@".to_owned(),
        source_labels: vec!["__name__".to_owned(), label.to_owned()],
        regex: regex.to_owned(),
        replacement: replacement.to_owned(),
        target_label: "namespace".to_owned(),
    }
}

fn alerts(context: &Context, names: &Names) -> PrometheusRule {
    let effective = context.effective;
    let metrics = effective.processor.metrics.as_ref();
    let disabled = metrics.and_then(|metrics| metrics.disable_alerts.as_ref());
    let mut operational = vec![alert(
        "NetObservNoFlows",
        "sum(rate(netobserv_ingest_flows_processed[1m])) == 0",
        "NetObserv receives no flows",
        "The pipeline has received no flow for 10 minutes. Look whether the agents run and reach it.",
    )];
    if effective.uses_loki() {
        operational.push(alert(
            "NetObservLokiError",
            "sum(rate(netobserv_loki_dropped_entries_total[1m])) > 0",
            "NetObserv cannot keep all flows",
            "Loki refuses flows or is not reached, and they are lost. The pipeline's log says why.",
        ));
    }
    operational.retain(|rule| {
        let is_named = |name: &String| rule.alert.as_ref() == Some(name);
        !disabled.is_some_and(|disabled| disabled.iter().any(is_named))
    });
    let mut rules = health::build(effective).rules;
    rules.extend(operational);
    let version = image_version(&context.images.pipeline);
    PrometheusRule {
        metadata: metadata(
            names.alerts,
            Some(context.scope.namespace()),
            versioned_labels(names.app, &version),
        ),
        spec: PrometheusRuleSpec {
            groups: vec![RuleGroup {
                name: "NetObservFlowLogsPipeline".to_owned(),
                rules,
            }],
        },
    }
}

fn alert(name: &str, expr: &str, summary: &str, description: &str) -> Rule {
    Rule {
        alert: Some(name.to_owned()),
        expr: expr.to_owned(),
        during: Some(DURING.to_owned()),
        labels: texts([
            ("template", name),
            ("app", "netobserv"),
            ("severity", "warning"),
        ]),
        annotations: texts([
            ("summary", summary),
            ("description", description),
            (annotation::RUNBOOK, &runbook(name)),
        ]),
        ..Rule::default()
    }
}
