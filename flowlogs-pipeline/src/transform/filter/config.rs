//! Settings of the filter transform.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::condition::Condition;
use super::expression::Expression;
use super::query::Query;
use crate::config::Problems;

/// Settings of the filter transform.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FilterConfig {
    /// Keep rules first, then the others in order.
    pub rules: Vec<FilterRule>,
    /// Field that gets the sampling interval of the keep rule that kept a record.
    pub sampling_field: String,
}

/// One rule: `type` and the key that belongs to it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FilterRule {
    /// remove_field, remove_entry_if_exists, remove_entry_if_doesnt_exist, remove_entry_if_equal,
    /// remove_entry_if_not_equal, remove_entry_all_satisfied, keep_entry_query, add_field,
    /// add_field_if_doesnt_exist, add_field_if, add_regex_if, add_label, add_label_if or conditional_sampling.
    pub r#type: String,
    /// For remove_field.
    pub remove_field: Option<FieldRule>,
    /// For the remove_entry_if rules.
    pub remove_entry: Option<FieldRule>,
    /// For remove_entry_all_satisfied.
    pub remove_entry_all_satisfied: Option<Vec<RemoveRule>>,
    /// For keep_entry_query.
    pub keep_entry_query: String,
    /// For keep_entry_query: one record in this many is kept; 0 keeps all.
    pub keep_entry_sampling: u16,
    /// For add_field.
    pub add_field: Option<FieldRule>,
    /// For add_field_if_doesnt_exist.
    pub add_field_if_doesnt_exist: Option<FieldRule>,
    /// For add_field_if.
    pub add_field_if: Option<IfRule>,
    /// For add_regex_if.
    pub add_regex_if: Option<IfRule>,
    /// For add_label.
    pub add_label: Option<FieldRule>,
    /// For add_label_if.
    pub add_label_if: Option<IfRule>,
    /// For conditional_sampling.
    pub conditional_sampling: Option<Vec<SamplingRule>>,
}

/// A field and a value.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FieldRule {
    /// The field (for labels: the label).
    pub input: String,
    /// The value.
    pub value: Value,
    /// The value is a plain integer, as rules of this program write; otherwise a number is a float, as in JSON.
    pub cast_int: bool,
}

/// A rule of a list of which all must hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RemoveRule {
    /// One of the remove_entry_if types.
    pub r#type: String,
    /// The field and its value.
    pub remove_entry: Option<FieldRule>,
}

/// A rule with a condition.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct IfRule {
    /// Read.
    pub input: String,
    /// Written (for labels: the label).
    pub output: String,
    /// The rest of an expression that starts with the input, such as `> 1000`; for add_regex_if the expression.
    pub parameters: String,
    /// The value; the input's when empty.
    pub assignee: String,
}

/// One record in `value` is kept if all rules hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SamplingRule {
    /// 0 keeps all.
    pub value: u16,
    /// Conditions.
    pub rules: Vec<RemoveRule>,
}

impl FilterConfig {
    /// Reports what cannot work.
    pub fn validate(&self, problems: &mut Problems) {
        problems.at("rules", |problems| {
            for (index, rule) in self.rules.iter().enumerate() {
                problems.at_index(index, |problems| rule.validate(problems));
            }
        });
    }
}

impl FilterRule {
    fn validate(&self, problems: &mut Problems) {
        let need = |key: &str, is_there: bool, problems: &mut Problems| {
            if !is_there && !problems.has_error_at(key) {
                problems.error(
                    key,
                    format_args!("is missing: the rule {} needs it", self.r#type),
                );
            }
        };
        match self.r#type.as_str() {
            "remove_field" => need("removeField", self.remove_field.is_some(), problems),
            "remove_entry_if_exists"
            | "remove_entry_if_doesnt_exist"
            | "remove_entry_if_equal"
            | "remove_entry_if_not_equal" => match &self.remove_entry {
                None => need("removeEntry", false, problems),
                Some(entry) => check(
                    "removeEntry",
                    Condition::new(&self.r#type, entry).map(drop),
                    problems,
                ),
            },
            "remove_entry_all_satisfied" => match &self.remove_entry_all_satisfied {
                None => need("removeEntryAllSatisfied", false, problems),
                Some(rules) => check(
                    "removeEntryAllSatisfied",
                    Condition::all(rules).map(drop),
                    problems,
                ),
            },
            "keep_entry_query" => check(
                "keepEntryQuery",
                Query::parse(&self.keep_entry_query).map(drop),
                problems,
            ),
            "add_field" => need("addField", self.add_field.is_some(), problems),
            "add_field_if_doesnt_exist" => {
                need(
                    "addFieldIfDoesntExist",
                    self.add_field_if_doesnt_exist.is_some(),
                    problems,
                );
            }
            "add_field_if" => expression("addFieldIf", self.add_field_if.as_ref(), problems, need),
            "add_label_if" => expression("addLabelIf", self.add_label_if.as_ref(), problems, need),
            "add_regex_if" => match &self.add_regex_if {
                None => need("addRegexIf", false, problems),
                Some(rule) => check(
                    "addRegexIf.parameters",
                    regex::Regex::new(&rule.parameters)
                        .map(drop)
                        .map_err(|error| error.to_string()),
                    problems,
                ),
            },
            "add_label" => need("addLabel", self.add_label.is_some(), problems),
            "conditional_sampling" => match &self.conditional_sampling {
                None => need("conditionalSampling", false, problems),
                Some(rules) => {
                    for rule in rules {
                        check(
                            "conditionalSampling",
                            Condition::all(&rule.rules).map(drop),
                            problems,
                        );
                    }
                }
            },
            other => problems.error("type", format_args!("unknown rule \"{other}\"")),
        }
    }
}

fn expression(
    key: &str,
    rule: Option<&IfRule>,
    problems: &mut Problems,
    need: impl Fn(&str, bool, &mut Problems),
) {
    match rule {
        None => need(key, false, problems),
        Some(rule) => problems.at(key, |problems| {
            check(
                "parameters",
                Expression::parse(&rule.parameters).map(drop),
                problems,
            );
        }),
    }
}

fn check(key: &str, result: Result<(), String>, problems: &mut Problems) {
    if let Err(message) = result {
        problems.error(key, message);
    }
}
