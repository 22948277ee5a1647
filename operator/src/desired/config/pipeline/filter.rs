//! Which flows go on: filters of all outputs or of one, the cluster's name, and duplicates.

use serde_json::{Value, json};

use super::graph::Graph;
use crate::apis::flowcollector::v1beta2::processor::{DeduperMode, FilterTarget};
use crate::desired::Context;

/// Keeps one duplicate out of this many, unless told otherwise.
const DEDUPER_SAMPLING: i32 = 50;

/// Stages that all outputs share.
pub fn add_common(context: &Context, graph: &mut Graph) {
    let mut rules = keep(context, FilterTarget::All);
    rules.extend(cluster_name(context).map(|name| {
        json!({"type": "add_field_if_doesnt_exist",
            "addFieldIfDoesntExist": {"input": "K8S_ClusterName", "value": name}})
    }));
    if !rules.is_empty() {
        let parameters = json!({"rules": rules, "samplingField": "Sampling"});
        graph.add_dynamic_after(&graph.last(), "filters", "transform", "filter", parameters);
    }
    if let Some(rule) = duplicates(context) {
        graph.add("dedup", "transform", "filter", json!({"rules": [rule]}));
    }
}

/// The stage of one output, if it has filters; returns what the output follows.
pub fn add_for(context: &Context, graph: &mut Graph, trunk: &str, target: FilterTarget) -> String {
    let name = match target {
        FilterTarget::All => return trunk.to_owned(),
        FilterTarget::Loki => "filters-loki",
        FilterTarget::Metrics => "filters-prom",
        FilterTarget::Exporters => "filters-exp",
    };
    let rules = keep(context, target);
    if rules.is_empty() {
        return trunk.to_owned();
    }
    let parameters = json!({"rules": rules, "samplingField": "Sampling"});
    graph.add_after(trunk, name, "transform", "filter", parameters);
    name.to_owned()
}

fn keep(context: &Context, target: FilterTarget) -> Vec<Value> {
    let filters = context.effective.processor.filters.iter().flatten();
    filters
        .filter(|filter| filter.output_target.unwrap_or(FilterTarget::All) == target)
        .map(|filter| {
            let query = filter.query.as_deref().unwrap_or_default();
            let mut rule = json!({"type": "keep_entry_query", "keepEntryQuery": query});
            if let Some(one_in) = filter.sampling.filter(|one_in| *one_in > 0) {
                // The pipeline counts to 65,535.
                rule["keepEntrySampling"] = u16::try_from(one_in).unwrap_or(u16::MAX).into();
            }
            rule
        })
        .collect()
}

/// Only where flows of several clusters meet.
fn cluster_name(context: &Context) -> Option<String> {
    let processor = &context.effective.processor;
    if processor.multi_cluster_deployment != Some(true) {
        return None;
    }
    let given = processor.cluster_name.clone();
    given
        .filter(|name| !name.is_empty())
        .or_else(|| context.facts.cluster_id.clone())
}

/// A flow that leaves a pod of the cluster for another one is seen at both ends.
fn duplicates(context: &Context) -> Option<Value> {
    let deduper = context.effective.processor.deduper.as_ref()?;
    let duplicate = json!([
        {"type": "remove_entry_if_equal", "removeEntry": {"input": "FlowDirection", "value": 1, "castInt": true}},
        {"type": "remove_entry_if_exists", "removeEntry": {"input": "DstK8S_OwnerName"}},
    ]);
    match deduper.mode? {
        DeduperMode::Disabled => None,
        DeduperMode::Drop => Some(
            json!({"type": "remove_entry_all_satisfied", "removeEntryAllSatisfied": duplicate}),
        ),
        DeduperMode::Sample => {
            let one_in = deduper.sampling.unwrap_or(DEDUPER_SAMPLING);
            Some(json!({"type": "conditional_sampling",
                "conditionalSampling": [{"value": one_in, "rules": duplicate}]}))
        }
    }
}
