//! Health rules: groups, thresholds, and the features and metrics they need.

use super::Subject;
use crate::apis::flowcollector::v1beta2::metrics::{
    HealthGroupBy, HealthTemplate, HealthThresholds, HealthVariant,
};
use crate::apis::validation::Findings;

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let metrics = subject.effective.processor.metrics.as_ref();
    let rules = metrics.and_then(|m| m.health_rules.as_ref());
    for (at, rule) in rules.into_iter().flatten().enumerate() {
        let path = format!("spec.processor.metrics.healthRules[{at}]");
        if let Some(feature) = subject.effective.missing_feature(rule.template) {
            findings.warn(
                &path,
                format!(
                    "{} needs the feature {feature} of the agents, which is off",
                    rule.template
                ),
                "add the feature to spec.agent.ebpf.features, or remove the rule",
            );
        }
        for (at, variant) in rule.variants.iter().enumerate() {
            check_variant(
                &format!("{path}.variants[{at}]"),
                rule.template,
                variant,
                findings,
            );
        }
    }
    check_metrics(subject, findings);
}

fn check_variant(
    path: &str,
    template: HealthTemplate,
    variant: &HealthVariant,
    findings: &mut Findings,
) {
    let group_by = variant.group_by.unwrap_or_default();
    if !is_supported(template, group_by) {
        findings.refuse(
            path,
            format!("{template} cannot be grouped by {:?}", group_by.as_str()),
            "use another groupBy",
        );
    }
    check_thresholds(path, &variant.thresholds, findings);
    if let Some(text) = variant
        .low_volume_threshold
        .as_ref()
        .filter(|text| !text.is_empty())
        && number(text).is_none()
    {
        findings.refuse(
            format!("{path}.lowVolumeThreshold"),
            format!("{text:?} is no number"),
            "write a number such as \"5\"",
        );
    }
}

fn is_supported(template: HealthTemplate, group_by: HealthGroupBy) -> bool {
    match template {
        // The flows and the device counters it is made of have no namespace.
        HealthTemplate::PacketDropsByDevice | HealthTemplate::IpsecErrors => {
            matches!(group_by, HealthGroupBy::Cluster | HealthGroupBy::Node)
        }
        HealthTemplate::Ingress5xxErrors | HealthTemplate::IngressHttpLatencyTrend => {
            matches!(group_by, HealthGroupBy::Cluster | HealthGroupBy::Namespace)
        }
        _ => true,
    }
}

/// Each threshold is a percentage, and none is above a more severe one.
fn check_thresholds(path: &str, thresholds: &HealthThresholds, findings: &mut Findings) {
    let given: Vec<_> = [
        ("critical", &thresholds.critical),
        ("warning", &thresholds.warning),
        ("info", &thresholds.info),
    ]
    .into_iter()
    .filter_map(|(name, text)| Some((name, text.as_ref().filter(|text| !text.is_empty())?)))
    .collect();
    if given.is_empty() {
        findings.refuse(
            path,
            "there is no threshold",
            "set at least one of thresholds.info, thresholds.warning, thresholds.critical",
        );
    }
    let mut more_severe: Option<(&str, f64)> = None;
    for (severity, text) in given {
        let field = format!("{path}.thresholds.{severity}");
        let Some(value) = number(text).filter(|value| *value >= 0.0) else {
            findings.refuse(
                field,
                format!("{text:?} is no percentage of 0 or more, for severity {severity}"),
                "write a number such as \"10\"",
            );
            continue;
        };
        if let Some((other, limit)) = more_severe
            && value >= limit
        {
            findings.refuse(
                field,
                format!(
                    "{text:?} for severity {severity} is not below the limit {limit} of {other}"
                ),
                format!("lower it, or raise thresholds.{other}"),
            );
        }
        more_severe = Some((severity, value));
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| !value.is_nan())
}

/// Every rule in force has the metrics it is computed from.
fn check_metrics(subject: &Subject<'_>, findings: &mut Findings) {
    let made = subject.effective.metrics();
    for rule in subject.effective.health_rules() {
        for variant in &rule.variants {
            let group_by = variant.group_by.unwrap_or_default();
            for candidates in candidates(rule.template, group_by) {
                if candidates.is_empty() || candidates.iter().any(|name| made.contains(name)) {
                    continue;
                }
                findings.warn(
                    "spec.processor.metrics.includeList",
                    format!(
                        "the health rule {}/{} needs one of the metrics {}",
                        rule.template,
                        group_by,
                        candidates.join(",")
                    ),
                    format!(
                        "add one, or add {} to spec.processor.metrics.disableAlerts",
                        rule.template
                    ),
                );
            }
        }
    }
}

/// Metrics that may serve as numerator and as denominator (or baseline) of a rule, best ones first.
pub fn candidates(template: HealthTemplate, group_by: HealthGroupBy) -> [Vec<String>; 2] {
    let (numerator, denominator): (&[&str], &[&str]) = match template {
        HealthTemplate::PacketDropsByKernel => (
            &["drop_packets_total"],
            &["ingress_packets_total", "egress_packets_total"],
        ),
        HealthTemplate::IpsecErrors => {
            return [
                vec!["node_ipsec_flows_total".to_owned()],
                vec!["node_to_node_ingress_flows_total".to_owned()],
            ];
        }
        HealthTemplate::DnsErrors | HealthTemplate::DnsNxDomain => {
            (&["dns_latency_seconds"], &["dns_latency_seconds"])
        }
        HealthTemplate::ExternalEgressHighTrend => {
            (&["egress_bytes_total"], &["egress_bytes_total"])
        }
        HealthTemplate::ExternalIngressHighTrend => {
            (&["ingress_bytes_total"], &["ingress_bytes_total"])
        }
        HealthTemplate::LatencyHighTrend => (&["rtt_seconds"], &["rtt_seconds"]),
        HealthTemplate::NetpolDenied => (&["network_policy_events_total"], &["flows_total"]),
        HealthTemplate::PacketDropsByDevice
        | HealthTemplate::Ingress5xxErrors
        | HealthTemplate::IngressHttpLatencyTrend => (&[], &[]),
    };
    let groups: &[&str] = match group_by {
        HealthGroupBy::Node => &["node"],
        HealthGroupBy::Namespace => &["namespace", "workload"],
        HealthGroupBy::Workload => &["workload"],
        HealthGroupBy::Cluster => &["namespace", "workload", "node"],
    };
    [numerator, denominator].map(|names| {
        let of_name = |name| groups.iter().map(move |group| format!("{group}_{name}"));
        names.iter().flat_map(of_name).collect()
    })
}
