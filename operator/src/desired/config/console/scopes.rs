//! Which levels of aggregation the console offers. Where flows are kept all can be computed; without, a level needs a
//! metric that is made and carries its labels.

use super::features::Feature;
use super::prometheus::Metric;
use super::tables::{Scope, TABLES};
use crate::desired::Context;

/// The level below which there is none.
const FINEST: &str = "resource";

/// Those that can be answered, with the groups that can be.
pub fn of(context: &Context, features: &[Feature]) -> Vec<Scope> {
    let mut scopes = TABLES.scopes.clone();
    scopes.retain(|scope| {
        scope
            .feature
            .is_none_or(|feature| features.contains(&feature))
    });
    if context.effective.uses_loki() {
        return scopes;
    }
    let mut metrics = super::prometheus::metrics(context.effective);
    metrics.retain(|metric| metric.enabled && metric.is_of_traffic());
    scopes.retain(|scope| has_metric(&metrics, &[scope]));
    let offered = scopes.clone();
    for scope in &mut scopes {
        let Some(groups) = scope.groups.take() else {
            continue;
        };
        let kept = groups
            .into_iter()
            .filter(|group| can_group(&offered, &metrics, scope, group))
            .collect::<Vec<_>>();
        scope.groups = (!kept.is_empty()).then_some(kept);
    }
    scopes
}

/// Why levels whose feature is on are not offered. The finest is left out: no metric is made by pod.
pub fn notes(context: &Context, features: &[Feature]) -> Vec<String> {
    let mut metrics = super::prometheus::metrics(context.effective);
    metrics.retain(Metric::is_of_traffic);
    let offered = of(context, features);
    let is_missing = |scope: &&Scope| {
        scope.id != FINEST
            && scope
                .feature
                .is_none_or(|feature| features.contains(&feature))
            && !offered.iter().any(|other| other.id == scope.id)
    };
    TABLES
        .scopes
        .iter()
        .filter(is_missing)
        .map(|scope| note(scope, &metrics))
        .collect()
}

/// Which metrics would do, else what the closest of those that are made lacks.
fn note(scope: &Scope, metrics: &[Metric]) -> String {
    let lacks = |metric: &Metric| -> Vec<String> {
        let labels = scope.labels.iter();
        let lacking = labels.filter(|label| !metric.labels.contains(label));
        lacking.cloned().collect()
    };
    let fitting: Vec<&str> = metrics
        .iter()
        .filter(|metric| lacks(metric).is_empty())
        .map(|metric| metric.name.as_str())
        .collect();
    let why = if fitting.is_empty() {
        let made = metrics.iter().filter(|metric| metric.enabled);
        match made.min_by_key(|metric| lacks(metric).len()) {
            Some(metric) => format!("{} lacks {}", metric.name, lacks(metric).join(", ")),
            None => "no metric of bytes or packets is made".to_owned(),
        }
    } else {
        format!("one of these would do: {}", fitting.join(", "))
    };
    format!(
        "without Loki the console cannot show {}s, as no metric that is made has their labels: {why}",
        scope.id
    )
}

/// Whether one metric has the labels of all these levels.
fn has_metric(metrics: &[Metric], scopes: &[&Scope]) -> bool {
    metrics.iter().any(|metric| {
        let mut labels = scopes.iter().flat_map(|scope| &scope.labels);
        labels.all(|label| metric.labels.contains(label))
    })
}

/// Whether a level can be shown in a group, such as `zones+hosts`.
fn can_group(offered: &[Scope], metrics: &[Metric], scope: &Scope, group: &str) -> bool {
    let mut together = vec![scope];
    for part in group.split('+') {
        let found = offered
            .iter()
            .find(|other| part.strip_suffix('s') == Some(&other.id));
        match found {
            Some(other) => together.push(other),
            None => return false,
        }
    }
    has_metric(metrics, &together)
}
