//! FlowCollectorSlices: the names of address ranges and the collected namespaces that tenants ask for, and what is told
//! about each slice. The administrator's own names and namespaces come first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ipnet::IpNet;

use crate::apis::flowcollector::v1beta2::processor::{CollectionMode, FilterTarget, SubnetLabel};
use crate::apis::flowcollectorslice::FlowCollectorSlice;
use crate::apis::flowcollectorslice::validate::validate;
use crate::apis::validation::Findings;
use crate::apis::{query, subnets};
use crate::effective::Effective;

/// What a slice's status says instead of a filter.
const NOT_NEEDED: &str = "(skipped, not needed)";
/// No flow has a field and has it not: this keeps nothing.
const NOTHING: &str = "with(SrcAddr) and without(SrcAddr)";
/// Once a warning has so many characters, no more is added to it.
const WARNING_LENGTH_MAX: usize = 500;
/// Ranges that the slices of one namespace name at most: the pipeline looks each flow up in all of them.
const NAMESPACE_RANGES_MAX: usize = 256;
/// Ranges that all slices name at most.
const RANGES_MAX: usize = 4096;
/// Whose the ranges of the FlowCollector are.
const ADMINISTRATOR: &str = "admin";

/// A condition under which flows are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceFilter {
    /// In the pipeline's query language.
    pub query: String,
    /// Keeps one flow out of this many; 0 keeps all.
    pub sampling: i32,
}

/// What became of one slice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SliceOutcome {
    /// Of the object.
    pub namespace: String,
    /// Of the object.
    pub name: String,
    /// Whether slices are read at all.
    pub is_read: bool,
    /// What cannot be used of it.
    pub problems: Vec<String>,
    /// Ranges that others have too.
    pub overlaps: String,
    /// Filter that keeps the namespace's flows, or why there is none.
    pub filter: Option<String>,
    /// Labels in use, in number.
    pub labels: usize,
}

/// What the slices ask for together.
#[derive(Debug, Default)]
pub struct Slices {
    /// Names of ranges.
    pub labels: Vec<SubnetLabel>,
    /// Only what matches one is kept; none keeps all.
    pub filters: Vec<NamespaceFilter>,
    /// What became of each slice, by namespace and name.
    pub outcomes: Vec<SliceOutcome>,
    /// What is wrong with the administrator's list of namespaces.
    pub problems: Vec<String>,
}

/// Sorts out what is used.
pub fn collect(given: &[Arc<FlowCollectorSlice>], effective: &Effective) -> Slices {
    let mut given: Vec<&FlowCollectorSlice> = given.iter().map(AsRef::as_ref).collect();
    given.sort_by_key(|slice| (&slice.metadata.namespace, &slice.metadata.name));
    let outcomes = given.iter().map(|slice| SliceOutcome {
        namespace: slice.metadata.namespace.clone().unwrap_or_default(),
        name: slice.metadata.name.clone().unwrap_or_default(),
        is_read: effective.has_slices(),
        ..SliceOutcome::default()
    });
    let mut slices = Slices {
        outcomes: outcomes.collect(),
        ..Slices::default()
    };
    if !effective.has_slices() {
        return slices;
    }
    label(&given, effective, &mut slices);
    filter(&given, effective, &mut slices);
    slices
}

/// Ranges of the administrator and of slices before this one, and whose they are.
type Known = Vec<(IpNet, String)>;

fn label(given: &[&FlowCollectorSlice], effective: &Effective, slices: &mut Slices) {
    let labels = effective.processor.subnet_labels.as_ref();
    let custom = labels.and_then(|labels| labels.custom_labels.as_ref());
    let ranges = custom.into_iter().flatten().flat_map(|label| &label.cidrs);
    let mut known: Known = ranges
        .filter_map(|range| Some((range.parse().ok()?, ADMINISTRATOR.to_owned())))
        .collect();
    let mut room = Room::default();
    for (slice, outcome) in given.iter().zip(&mut slices.outcomes) {
        let findings = validate(&slice.spec);
        outcome.problems = findings.errors.iter().map(ToString::to_string).collect();
        let owner = format!("{}/{}", outcome.namespace, outcome.name);
        let room = room.of(&outcome.namespace);
        let mut left_out = 0;
        for label in slice.spec.subnet_labels.iter().flatten() {
            let mut findings = Findings::default();
            subnets::check_name("", &label.name, &mut findings);
            if !findings.errors.is_empty() {
                continue;
            }
            let ranges = label.cidrs.iter();
            let cidrs: Vec<String> = ranges
                .filter(|range| {
                    let has_room = room.take();
                    left_out += usize::from(!has_room);
                    has_room && is_free(range, &mut known, &owner, &mut outcome.overlaps)
                })
                .cloned()
                .collect();
            if !cidrs.is_empty() {
                outcome.labels += 1;
                slices.labels.push(SubnetLabel {
                    cidrs,
                    name: label.name.clone(),
                });
            }
        }
        if left_out > 0 {
            outcome.problems.push(format!(
                "spec.subnetLabels: {left_out} ranges are left out, since a namespace has {NAMESPACE_RANGES_MAX} at most \
                 and all slices together {RANGES_MAX}; join ranges, or ask the administrator to name them"
            ));
        }
    }
}

/// How many more ranges are taken, so that no namespace fills the pipeline for all others.
#[derive(Default)]
struct Room {
    namespace: String,
    of_namespace: usize,
    in_all: usize,
}

impl Room {
    /// Goes on with a slice, which come by namespace.
    fn of(&mut self, namespace: &str) -> &mut Self {
        if self.namespace != namespace {
            namespace.clone_into(&mut self.namespace);
            self.of_namespace = 0;
        }
        self
    }

    /// Whether there is room for one more, which then is taken.
    fn take(&mut self) -> bool {
        let has_room = self.of_namespace < NAMESPACE_RANGES_MAX && self.in_all < RANGES_MAX;
        self.of_namespace += usize::from(has_room);
        self.in_all += usize::from(has_room);
        has_room
    }
}

/// Whether a range is one and no other holds all of it; then it is known from now on.
fn is_free(range: &str, known: &mut Known, owner: &str, overlaps: &mut String) -> bool {
    let Ok(network) = range.parse::<IpNet>() else {
        return false;
    };
    let mut is_free = true;
    for (other, whose) in &*known {
        let is_within = other.contains(&network);
        is_free &= !is_within;
        if !(is_within || network.contains(other)) || overlaps.chars().count() >= WARNING_LENGTH_MAX
        {
            continue;
        }
        if !overlaps.is_empty() {
            overlaps.push_str("; ");
        }
        let text = if network.trunc() == other.trunc() {
            format!("{range} is named by {whose} already and is left out")
        } else if is_within {
            format!("{range} is within {other} of {whose} and is left out")
        } else {
            format!("{range} holds {other} of {whose}, which wins there")
        };
        overlaps.push_str(&text);
    }
    if is_free {
        known.push((network, owner.to_owned()));
    }
    is_free
}

fn filter(given: &[&FlowCollectorSlice], effective: &Effective, slices: &mut Slices) {
    let config = effective.processor.slices_config.as_ref();
    let Some(config) =
        config.filter(|config| config.collection_mode == Some(CollectionMode::AllowList))
    else {
        return;
    };
    let mut listed = BTreeSet::new();
    for (at, entry) in config.namespaces_allow_list.iter().flatten().enumerate() {
        let pattern = entry
            .strip_prefix('/')
            .and_then(|rest| rest.strip_suffix('/'));
        let query = match pattern {
            Some(pattern) => condition("=~", pattern),
            None if listed.insert(entry.as_str()) => condition("=", entry),
            None => continue,
        };
        match query::check(&query) {
            Ok(()) => slices.filters.push(NamespaceFilter { query, sampling: 0 }),
            Err(error) => slices.problems.push(format!(
                "spec.processor.slicesConfig.namespacesAllowList[{at}]: {entry:?} is ignored: {error}"
            )),
        }
    }
    // Where several slices of a namespace ask for a sampling, the first of them decides.
    let mut samplings: BTreeMap<&str, i32> = BTreeMap::new();
    for slice in given {
        let namespace = slice.metadata.namespace.as_deref().unwrap_or_default();
        if let Some(sampling) = slice.spec.sampling {
            samplings.entry(namespace).or_insert(sampling);
        }
    }
    for (slice, outcome) in given.iter().zip(&mut slices.outcomes) {
        let namespace = slice.metadata.namespace.as_deref().unwrap_or_default();
        if !listed.insert(namespace) {
            outcome.filter = Some(NOT_NEEDED.to_owned());
            continue;
        }
        let query = condition("=", namespace);
        outcome.filter = Some(query.clone());
        slices.filters.push(NamespaceFilter {
            sampling: samplings.get(namespace).copied().unwrap_or(0),
            query,
        });
    }
    let mut others = effective.processor.filters.iter().flatten();
    let is_filtered = others.any(|filter| {
        filter
            .output_target
            .is_none_or(|target| target == FilterTarget::All)
    });
    if slices.filters.is_empty() && !is_filtered {
        slices.filters.push(NamespaceFilter {
            query: NOTHING.to_owned(),
            sampling: 0,
        });
    }
}

/// Either side is of the namespace. A backslash and a quote are written as the query language wants them.
fn condition(operator: &str, value: &str) -> String {
    let value = value.replace('\\', r"\\").replace('"', "\\\"");
    format!("SrcK8S_Namespace{operator}\"{value}\" or DstK8S_Namespace{operator}\"{value}\"")
}
