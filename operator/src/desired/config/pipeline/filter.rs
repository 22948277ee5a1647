//! Which flows go on: filters of all outputs or of one, the cluster's name, and duplicates.

use serde::Serialize;

use super::graph::Graph;
use super::stage::Settings;
use crate::apis::flowcollector::v1beta2::processor::{DeduperMode, FilterTarget};
use crate::desired::Context;

/// Keeps one duplicate out of this many, unless told otherwise.
const DEDUPER_SAMPLING: i32 = 50;

/// Settings of a filter stage.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    rules: Vec<Rule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sampling_field: Option<&'static str>,
}

/// One rule: its name, and the key that belongs to it.
#[derive(Debug, Serialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
enum Rule {
    KeepEntryQuery {
        keep_entry_query: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        keep_entry_sampling: Option<u16>,
    },
    AddFieldIfDoesntExist {
        add_field_if_doesnt_exist: Field,
    },
    RemoveEntryAllSatisfied {
        remove_entry_all_satisfied: [Remove; 2],
    },
    ConditionalSampling {
        conditional_sampling: [Sampling; 1],
    },
}

/// A field and a text.
#[derive(Debug, Serialize)]
struct Field {
    input: &'static str,
    value: String,
}

/// A condition under which a flow is a duplicate.
#[derive(Debug, Serialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
enum Remove {
    RemoveEntryIfEqual { remove_entry: Equal },
    RemoveEntryIfExists { remove_entry: Exists },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Equal {
    input: &'static str,
    value: i64,
    cast_int: bool,
}

#[derive(Debug, Serialize)]
struct Exists {
    input: &'static str,
}

/// Keeps one flow out of `value` of those that satisfy all rules.
#[derive(Debug, Serialize)]
struct Sampling {
    value: u16,
    rules: [Remove; 2],
}

/// Stages that all outputs share.
pub fn add_common(context: &Context, graph: &mut Graph) {
    let mut rules = keep(context, FilterTarget::All);
    let slices = context.slices().filters.iter();
    rules.extend(slices.map(|filter| keep_one(filter.query.clone(), filter.sampling)));
    rules.extend(
        cluster_name(context).map(|value| Rule::AddFieldIfDoesntExist {
            add_field_if_doesnt_exist: Field {
                input: "K8S_ClusterName",
                value,
            },
        }),
    );
    if !rules.is_empty() {
        graph.add_dynamic_after(&graph.last(), "filters", sampled(rules));
    }
    if let Some(rule) = duplicates(context) {
        let dedup = Filter {
            rules: vec![rule],
            sampling_field: None,
        };
        graph.add("dedup", Settings::TransformFilter(dedup));
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
    graph.add_after(trunk, name, sampled(rules));
    name.to_owned()
}

/// A stage that tells in each flow out of how many it was kept.
fn sampled(rules: Vec<Rule>) -> Settings {
    Settings::TransformFilter(Filter {
        rules,
        sampling_field: Some("Sampling"),
    })
}

fn keep(context: &Context, target: FilterTarget) -> Vec<Rule> {
    let filters = context.effective.processor.filters.iter().flatten();
    filters
        .filter(|filter| filter.output_target.unwrap_or(FilterTarget::All) == target)
        .map(|filter| {
            keep_one(
                filter.query.clone().unwrap_or_default(),
                filter.sampling.unwrap_or(0),
            )
        })
        .collect()
}

/// Keeps one flow out of `one_in` that match; 0 keeps all.
fn keep_one(keep_entry_query: String, one_in: i32) -> Rule {
    Rule::KeepEntryQuery {
        keep_entry_query,
        keep_entry_sampling: (one_in > 0).then(|| capped(one_in)),
    }
}

/// The pipeline counts to 65,535, and starts with no more than that.
fn capped(one_in: i32) -> u16 {
    u16::try_from(one_in.max(0)).unwrap_or(u16::MAX)
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
fn duplicates(context: &Context) -> Option<Rule> {
    let deduper = context.effective.processor.deduper.as_ref()?;
    let duplicate = [
        Remove::RemoveEntryIfEqual {
            remove_entry: Equal {
                input: "FlowDirection",
                value: 1,
                cast_int: true,
            },
        },
        Remove::RemoveEntryIfExists {
            remove_entry: Exists {
                input: "DstK8S_OwnerName",
            },
        },
    ];
    match deduper.mode? {
        DeduperMode::Disabled => None,
        DeduperMode::Drop => Some(Rule::RemoveEntryAllSatisfied {
            remove_entry_all_satisfied: duplicate,
        }),
        DeduperMode::Sample => Some(Rule::ConditionalSampling {
            conditional_sampling: [Sampling {
                value: capped(deduper.sampling.unwrap_or(DEDUPER_SAMPLING)),
                rules: duplicate,
            }],
        }),
    }
}
