//! Health rules as Prometheus takes them: alerts, and recorded series that only the console judges.
//!
//! A rule of the specification becomes one alert per severity and side of the traffic, or one recorded series per side.
//! A rule without a metric to compute it from is left out; admission warns of it.

mod annotation;
mod promql;
mod texts;

use std::collections::BTreeMap;

use self::promql::Bounds;
use super::build::{Labels, texts as labels};
use crate::apis::external::monitoring::Rule;
use crate::apis::flowcollector::v1beta2::metrics::{
    HealthGroupBy, HealthMode, HealthTemplate, HealthVariant,
};
use crate::effective::Effective;

/// How long a value must be beyond its limit before an alert fires.
const DURING: &str = "5m";

/// All rules in force.
#[derive(Debug, Default)]
pub struct Health {
    /// In the order of the templates.
    pub rules: Vec<Rule>,
    /// What the console is told of each recorded series, by its name: Prometheus keeps no text with a series.
    pub recordings: BTreeMap<String, Labels>,
}

/// One side of the traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Src,
    Dst,
}

impl Side {
    fn as_str(self) -> &'static str {
        match self {
            Self::Src => "Src",
            Self::Dst => "Dst",
        }
    }
}

/// What one rule of Prometheus is about.
#[derive(Debug, Clone, Copy)]
struct Subject<'a> {
    template: HealthTemplate,
    variant: &'a HealthVariant,
    group_by: HealthGroupBy,
    /// None where the cluster is taken as a whole.
    side: Option<Side>,
}

/// Severities and their thresholds, worst first.
type Thresholds<'a> = Vec<(&'static str, &'a str)>;

/// Makes all rules.
pub fn build(effective: &Effective) -> Health {
    let made = effective.metrics();
    let mut health = Health::default();
    for rule in effective.health_rules() {
        for variant in &rule.variants {
            let mode = variant.mode.or(rule.mode).unwrap_or(HealthMode::Alert);
            let group_by = variant.group_by.unwrap_or_default();
            let subjects: Vec<Subject> = sides(rule.template, group_by)
                .into_iter()
                .map(|side| Subject {
                    template: rule.template,
                    variant,
                    group_by,
                    side,
                })
                .collect();
            match mode {
                HealthMode::Alert => health.alert(&subjects, &made),
                HealthMode::Recording => health.record(&subjects, &made),
            }
        }
    }
    health
}

impl Health {
    fn alert(&mut self, subjects: &[Subject], made: &[String]) {
        let Some(first) = subjects.first() else {
            return;
        };
        let mut more_severe = None;
        for (severity, threshold) in first.thresholds() {
            for subject in subjects {
                let bounds = Bounds {
                    above: threshold,
                    below: more_severe,
                };
                if let Some(expr) = promql::expression(subject, made, Some(bounds)) {
                    self.rules.push(subject.alert(severity, threshold, expr));
                }
            }
            more_severe = Some(threshold);
        }
    }

    fn record(&mut self, subjects: &[Subject], made: &[String]) {
        for subject in subjects {
            let name = subject.recording_name();
            let Some(expr) = promql::expression(subject, made, None) else {
                continue;
            };
            if self.recordings.contains_key(&name) {
                // A series is recorded once; the variant that is written first counts.
                continue;
            }
            self.rules.push(Rule {
                record: Some(name.clone()),
                expr,
                labels: subject.labels(),
                ..Rule::default()
            });
            self.recordings
                .insert(name, texts::annotations(subject, None));
        }
    }
}

/// The sides for which a template says something.
fn sides(template: HealthTemplate, group_by: HealthGroupBy) -> Vec<Option<Side>> {
    if group_by == HealthGroupBy::Cluster {
        return vec![None];
    }
    let is_src_only = matches!(
        template,
        HealthTemplate::PacketDropsByDevice
            | HealthTemplate::Ingress5xxErrors
            | HealthTemplate::IngressHttpLatencyTrend
            | HealthTemplate::ExternalEgressHighTrend
    );
    let is_dst_only = matches!(
        template,
        HealthTemplate::DnsErrors
            | HealthTemplate::DnsNxDomain
            | HealthTemplate::ExternalIngressHighTrend
    );
    let mut sides = Vec::new();
    if !is_dst_only {
        sides.push(Some(Side::Src));
    }
    if !is_src_only {
        sides.push(Some(Side::Dst));
    }
    sides
}

impl<'a> Subject<'a> {
    /// Thresholds that are numbers, worst first; anything else would spoil the whole file of rules.
    fn thresholds(&self) -> Thresholds<'a> {
        let given = &self.variant.thresholds;
        [
            ("critical", &given.critical),
            ("warning", &given.warning),
            ("info", &given.info),
        ]
        .into_iter()
        .filter_map(|(severity, text)| Some((severity, number(text.as_deref())?)))
        .collect()
    }

    fn is_trend(&self) -> bool {
        matches!(
            self.template,
            HealthTemplate::LatencyHighTrend
                | HealthTemplate::ExternalEgressHighTrend
                | HealthTemplate::ExternalIngressHighTrend
                | HealthTemplate::IngressHttpLatencyTrend
        )
    }

    /// The side as names of rules tell it: a device's drops have none.
    fn named_side(&self) -> Option<Side> {
        self.side
            .filter(|_| self.template != HealthTemplate::PacketDropsByDevice)
    }

    fn labels(&self) -> Labels {
        labels([
            ("template", self.template.as_str()),
            ("app", "netobserv"),
            ("netobserv", "true"),
        ])
    }

    fn alert(&self, severity: &str, threshold: &str, expr: String) -> Rule {
        let mut name = format!("{}_", self.template);
        if self.group_by != HealthGroupBy::Cluster {
            let side = self.named_side().map_or("", Side::as_str);
            name = format!("{name}Per{side}{}", self.group_by);
        }
        let mut labels = self.labels();
        labels.insert("severity".to_owned(), severity.to_owned());
        Rule {
            alert: Some(name + &capitalised(severity)),
            expr,
            during: Some(DURING.to_owned()),
            labels,
            annotations: texts::annotations(self, Some(threshold)),
            ..Rule::default()
        }
    }

    fn recording_name(&self) -> String {
        let mut name = format!("netobserv:health:{}", prefix(self.template));
        if self.group_by != HealthGroupBy::Cluster {
            let side = self.named_side().map(Side::as_str);
            for part in [Some(self.group_by.as_str()), side].into_iter().flatten() {
                name = format!("{name}:{}", part.to_lowercase());
            }
        }
        name + ":rate2m"
    }
}

fn capitalised(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// A text, if it is a number.
fn number(text: Option<&str>) -> Option<&str> {
    text.filter(|text| text.parse().is_ok_and(f64::is_finite))
}

fn prefix(template: HealthTemplate) -> &'static str {
    match template {
        HealthTemplate::PacketDropsByKernel => "packet_drops_kernel",
        HealthTemplate::PacketDropsByDevice => "packet_drops_device",
        HealthTemplate::IpsecErrors => "ipsec_errors",
        HealthTemplate::DnsErrors => "dns_errors",
        HealthTemplate::DnsNxDomain => "dns_nxdomain",
        HealthTemplate::NetpolDenied => "netpol_denied",
        HealthTemplate::LatencyHighTrend => "tcp_latency_increase_p90",
        HealthTemplate::ExternalEgressHighTrend => "external_egress",
        HealthTemplate::ExternalIngressHighTrend => "external_ingress",
        HealthTemplate::Ingress5xxErrors => "ingress_5xx_errors",
        HealthTemplate::IngressHttpLatencyTrend => "ingress_http_latency_increase_avg",
    }
}
