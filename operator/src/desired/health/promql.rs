//! The expressions of health rules.

use std::time::Duration;

use super::{Side, Subject, number};
use crate::apis::flowcollector::v1beta2::metrics::{HealthGroupBy, HealthTemplate};
use crate::apis::flowcollector::validate::candidates;
use crate::effective::{trend_duration, trend_offset};
use crate::scope::METRICS_PREFIX;

/// Stretch over which rates are taken.
const RATE: &str = "[2m]";

/// Values for which an alert fires.
#[derive(Debug, Clone, Copy)]
pub struct Bounds<'a> {
    pub above: &'a str,
    /// From there on a more severe alert fires instead.
    pub below: Option<&'a str>,
}

/// None where no metric is made from which it could be computed.
pub fn expression(subject: &Subject, made: &[String], bounds: Option<Bounds>) -> Option<String> {
    let [numerator, denominator] = candidates(subject.template, subject.group_by).map(|names| {
        let name = names.into_iter().find(|name| made.contains(name));
        name.map(|name| format!("{METRICS_PREFIX}{name}"))
    });
    let (offset, duration) = (
        go_duration(trend_offset(subject.variant)),
        go_duration(trend_duration(subject.variant)),
    );
    let baseline = format!("[{duration}] offset {offset}");
    let rate = |metric: &str, condition: &str, stretch: &str| {
        format!("rate({metric}{}{stretch})", filter(subject, condition))
    };
    let sum_of = |metric: &str, condition: &str, stretch: &str| {
        sum_by(subject, &rate(metric, condition, stretch), "")
    };
    let value = match subject.template {
        HealthTemplate::PacketDropsByKernel => percentage(
            subject,
            &sum_of(&numerator?, "", RATE),
            &sum_of(&denominator?, "", RATE),
        ),
        // The metric also counts what was encrypted well.
        HealthTemplate::IpsecErrors => percentage(
            subject,
            &sum_of(&numerator?, r#"IPSecStatus="error""#, RATE),
            &sum_of(&denominator?, "", RATE),
        ),
        HealthTemplate::NetpolDenied => percentage(
            subject,
            &sum_of(&numerator?, r#"action="drop""#, RATE),
            &sum_of(&denominator?, "", RATE),
        ),
        HealthTemplate::DnsErrors | HealthTemplate::DnsNxDomain => {
            let condition = if subject.template == HealthTemplate::DnsErrors {
                r#"DnsFlagsResponseCode!~"NoError|NXDomain""#
            } else {
                r#"DnsFlagsResponseCode="NXDomain""#
            };
            percentage(
                subject,
                &sum_of(&format!("{}_count", numerator?), condition, RATE),
                &sum_of(&format!("{}_count", denominator?), "", RATE),
            )
        }
        HealthTemplate::LatencyHighTrend => {
            let metric = format!("{}_bucket", numerator?);
            let quantile = |stretch| {
                let sum = sum_by(subject, &rate(&metric, "", stretch), "le");
                format!("histogram_quantile(0.9, {sum})")
            };
            trend(&quantile(RATE), &quantile(&baseline))
        }
        HealthTemplate::ExternalEgressHighTrend | HealthTemplate::ExternalIngressHighTrend => {
            let other = if subject.template == HealthTemplate::ExternalEgressHighTrend {
                Side::Dst
            } else {
                Side::Src
            }
            .as_str();
            let condition = format!(
                r#"{other}SubnetLabel=~"|EXT:.*",{other}K8S_Namespace="",{other}K8S_OwnerName="""#
            );
            let metric = numerator?;
            trend(
                &sum_of(&metric, &condition, RATE),
                &sum_of(&metric, &condition, &baseline),
            )
        }
        HealthTemplate::PacketDropsByDevice => percentage(
            subject,
            &devices(subject, "drop"),
            &devices(subject, "packets"),
        ),
        HealthTemplate::Ingress5xxErrors => percentage(
            subject,
            &responses(subject, r#"{code="5xx"}"#),
            &responses(subject, ""),
        ),
        HealthTemplate::IngressHttpLatencyTrend => {
            let metric = "haproxy_server_http_average_response_latency_milliseconds";
            let average = |metric: &str| format!("avg{}", by_exported_namespace(subject, metric));
            trend(
                &average(metric),
                &average(&format!("{metric} offset {offset}")),
            )
        }
    };
    Some(value + &comparison(bounds))
}

fn comparison(bounds: Option<Bounds>) -> String {
    let Some(bounds) = bounds else {
        return String::new();
    };
    let below = bounds.below.map(|below| format!(" < {below}"));
    format!(" > {}{}", bounds.above, below.unwrap_or_default())
}

/// One as a part of the other, where there is enough of the other.
fn percentage(subject: &Subject, part: &str, whole: &str) -> String {
    let low = number(subject.variant.low_volume_threshold.as_deref());
    let low = low.map(|low| format!(" > {low}")).unwrap_or_default();
    format!("100 * ({part}) / ({whole}{low})")
}

/// How much more there is now than before.
fn trend(now: &str, before: &str) -> String {
    format!("100 * (({now}) - ({before})) / ({before})")
}

/// The labels by which a group is told, and the fields they come from.
fn group(subject: &Subject) -> Vec<(&'static str, String)> {
    let side = subject.side.map_or("", Side::as_str);
    let label = |label, field: &str| (label, format!("{side}K8S_{field}"));
    match subject.group_by {
        HealthGroupBy::Cluster => vec![],
        HealthGroupBy::Node => vec![label("node", "HostName")],
        HealthGroupBy::Namespace => vec![label("namespace", "Namespace")],
        HealthGroupBy::Workload => vec![
            label("namespace", "Namespace"),
            label("workload", "OwnerName"),
            label("kind", "OwnerType"),
        ],
    }
}

/// Only what belongs to a group counts, and what fulfils the condition.
fn filter(subject: &Subject, condition: &str) -> String {
    let fields = group(subject).into_iter();
    let mut conditions: Vec<_> = fields.map(|(_, field)| format!(r#"{field}!="""#)).collect();
    if !condition.is_empty() {
        conditions.push(condition.to_owned());
    }
    if conditions.is_empty() {
        return String::new();
    }
    format!("{{{}}}", conditions.join(","))
}

/// A sum per group; `also` is one more label that is kept.
fn sum_by(subject: &Subject, expression: &str, also: &str) -> String {
    let mut expression = expression.to_owned();
    let mut labels = Vec::new();
    for (label, field) in group(subject) {
        expression = format!(r#"label_replace({expression}, "{label}", "$1", "{field}", "(.*)")"#);
        labels.push(label);
    }
    if !also.is_empty() {
        labels.push(also);
    }
    if labels.is_empty() {
        return format!("sum({expression})");
    }
    format!("sum({expression}) by ({})", labels.join(","))
}

/// What the node exporter counts of both directions.
fn devices(subject: &Subject, what: &str) -> String {
    let by = if subject.group_by == HealthGroupBy::Cluster {
        ""
    } else {
        " by (instance)"
    };
    ["receive", "transmit"]
        .map(|direction| format!("sum(rate(node_network_{direction}_{what}_total{RATE})){by}"))
        .join(" + ")
}

/// Answers of the cluster's ingress.
fn responses(subject: &Subject, condition: &str) -> String {
    let rate = format!("rate(haproxy_server_http_responses_total{condition}{RATE})");
    format!("sum{}", by_exported_namespace(subject, &rate))
}

/// The arguments of an aggregation over the namespaces behind the ingress.
fn by_exported_namespace(subject: &Subject, expression: &str) -> String {
    if subject.group_by == HealthGroupBy::Cluster {
        return format!("({expression})");
    }
    format!(
        r#"(label_replace({expression}, "namespace", "$1", "exported_namespace", "(.*)")) by (namespace)"#
    )
}

/// As Go writes it, without the units that are zero behind others.
pub fn go_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let mut text = String::new();
    for (count, unit) in [
        (seconds / 3600, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ] {
        if count > 0 {
            text.push_str(&count.to_string());
            text.push_str(unit);
        }
    }
    if text.is_empty() {
        "0s".clone_into(&mut text);
    }
    text
}
