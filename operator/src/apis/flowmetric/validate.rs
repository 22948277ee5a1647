//! Admission of a FlowMetric: fields that exist, numbers that are numbers, and the number of series.

use std::collections::BTreeSet;

use super::fields::{self, Cardinality, FieldKind};
use super::{FlowMetricSpec, MatchType, operational};
use crate::apis::flowcollector::predefined;
use crate::apis::pattern;
use crate::apis::validation::Findings;

/// Advice for a field that does not exist.
const FIELD_ADVICE: &str = "use fields of the flow format, such as SrcK8S_Namespace";

/// Checks a specification.
pub fn validate(spec: &FlowMetricSpec) -> Findings {
    let mut findings = Findings::default();
    let filters = spec.filters.iter().flatten();
    check_fields(
        "spec.filters",
        filters.clone().map(|f| f.field.as_str()),
        &mut findings,
    );
    check_fields("spec.labels", texts(spec.labels.as_ref()), &mut findings);
    check_remap(spec, &mut findings);
    check_fields("spec.flatten", texts(spec.flatten.as_ref()), &mut findings);
    check_value_field(spec, &mut findings);
    for (at, text) in texts(spec.buckets.as_ref()).enumerate() {
        if !text.parse().is_ok_and(f64::is_finite) {
            findings.refuse(
                format!("spec.buckets[{at}]"),
                format!("{text:?} is no number"),
                "write a number such as \"0.05\"",
            );
        }
    }
    if let Some(text) = spec.divider.as_ref().filter(|text| !text.is_empty())
        && !text.parse().is_ok_and(|divider: f64| divider.is_normal())
    {
        findings.refuse(
            "spec.divider",
            format!("{text:?} is no number other than 0"),
            "write a number such as \"1000\"",
        );
    }
    for (at, filter) in filters.enumerate() {
        check_pattern(
            at,
            filter.match_type,
            filter.value.as_deref(),
            &mut findings,
        );
    }
    check_label_names(spec, &mut findings);
    check_metric_name(spec, &mut findings);
    // How many series it would make is of no interest where it makes none.
    if findings.errors.is_empty() {
        check_cardinality(spec, &mut findings);
    }
    findings
}

/// Of a predefined one only a warning: whether the predefined metric is made is up to the FlowCollector, and its name is free otherwise.
fn check_metric_name(spec: &FlowMetricSpec, findings: &mut Findings) {
    let Some(name) = spec.metric_name.as_deref() else {
        return;
    };
    if operational::is_taken(name) {
        findings.refuse(
            "spec.metricName",
            format!("{name} is the name of a metric of the pipeline itself"),
            "use another name",
        );
    }
    if predefined::names().iter().any(|other| other == name) {
        findings.warn(
            "spec.metricName",
            format!(
                "{name} is the name of a predefined metric; while that one is made, this one is not"
            ),
            "use another name, or leave the predefined one out of the FlowCollector's includeList",
        );
    }
}

/// Each label has a name of its own, also under its other name.
fn check_label_names(spec: &FlowMetricSpec, findings: &mut Findings) {
    let mut names = BTreeSet::new();
    for field in texts(spec.labels.as_ref()) {
        let other = spec.remap.as_ref().and_then(|remap| remap.get(field));
        let name = other.map_or(field, String::as_str);
        if !names.insert(name) {
            findings.refuse(
                "spec.labels",
                format!("two labels have the name {name}"),
                "remove one, or give it another name in spec.remap",
            );
        }
    }
}

fn texts(list: Option<&Vec<String>>) -> impl Iterator<Item = &str> + Clone {
    list.into_iter().flatten().map(String::as_str)
}

fn check_fields<'a>(
    path: &str,
    names: impl Iterator<Item = &'a str> + Clone,
    findings: &mut Findings,
) {
    let unknown: Vec<_> = names.filter(|name| fields::kind(name).is_none()).collect();
    if !unknown.is_empty() {
        findings.refuse(
            path,
            format!("there is no such field: {}", unknown.join(", ")),
            FIELD_ADVICE,
        );
    }
}

fn check_remap(spec: &FlowMetricSpec, findings: &mut Findings) {
    let strangers: Vec<_> = spec
        .remap
        .iter()
        .flatten()
        .map(|(field, _)| field.as_str())
        .filter(|field| !texts(spec.labels.as_ref()).any(|label| label == *field))
        .collect();
    if !strangers.is_empty() {
        findings.refuse(
            "spec.remap",
            format!("names what is no label: {}", strangers.join(", ")),
            "add it to spec.labels, or remove it here",
        );
    }
}

fn check_value_field(spec: &FlowMetricSpec, findings: &mut Findings) {
    let Some(field) = spec.value_field.as_ref().filter(|field| !field.is_empty()) else {
        return;
    };
    match fields::kind(field) {
        Some(FieldKind::Number) => {}
        Some(_) => findings.refuse(
            "spec.valueField",
            format!("{field} holds no number"),
            "use a number such as Bytes, or leave it out to count flows",
        ),
        None => findings.refuse(
            "spec.valueField",
            format!("there is no such field: {field}"),
            FIELD_ADVICE,
        ),
    }
}

fn check_pattern(at: usize, kind: MatchType, value: Option<&str>, findings: &mut Findings) {
    if matches!(kind, MatchType::MatchRegex | MatchType::NotMatchRegex)
        && let Err(error) = pattern::check(value.unwrap_or_default())
    {
        findings.refuse(
            format!("spec.filters[{at}].value"),
            format!("is no regular expression of Go and Rust: {error}"),
            "correct it, or use the match type Equal",
        );
    }
}

fn check_cardinality(spec: &FlowMetricSpec, findings: &mut Findings) {
    let labels = spec.labels.as_deref().unwrap_or_default();
    let (level, details) = cardinality(labels);
    let problem = match level {
        Cardinality::Fine => return,
        Cardinality::Careful => "may make many series in large clusters",
        Cardinality::Avoid | Cardinality::Unknown => {
            "can make so many series that Prometheus fails"
        }
    };
    findings.warn(
        "spec.labels",
        problem,
        format!("remove what is not needed, and watch Prometheus. {details}"),
    );
}

/// The worst level of some labels, and all of them by level.
pub fn cardinality(labels: &[String]) -> (Cardinality, String) {
    let mut worst = Cardinality::Fine;
    let mut details = Vec::new();
    for level in Cardinality::ALL {
        let of_level: Vec<_> = labels
            .iter()
            .map(String::as_str)
            .filter(|label| fields::cardinality(label) == level)
            .collect();
        if !of_level.is_empty() {
            worst = worst.min(level);
            details.push(format!(
                "Cardinality level '{}': {} labels ({})",
                level.as_str(),
                of_level.len(),
                of_level.join(", ")
            ));
        }
    }
    (worst, details.join("; "))
}

/// Full name in Prometheus: the given one, or that of the object, with `_` for what a name cannot hold.
pub fn prometheus_name(object_name: &str, spec: &FlowMetricSpec) -> String {
    let name = match spec.metric_name.as_deref() {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => object_name
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == ':' || c == '_' {
                    c
                } else {
                    '_'
                }
            })
            .collect(),
    };
    format!("netobserv_{name}")
}
