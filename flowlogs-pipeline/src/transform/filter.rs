//! Removes records and fields, keeps what a query selects, and marks records.
//!
//! **Invariant:** keep rules come first and are joined by "or"; the other rules follow in their order, and the
//! first that removes a record ends it.

mod condition;
pub mod config;
mod expression;
mod query;
mod random;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use regex::Regex;

use condition::Condition;
pub use config::FilterConfig;
use config::{FilterRule, IfRule};
use expression::Expression;
use query::Query;
use random::Random;

use crate::model::{Batch, Key, Record, Value, ValueRef};
use crate::stage::Transform;

/// The filter transform.
pub struct TransformFilter {
    keep: Vec<(Query, u16)>,
    rules: Vec<Rule>,
    sampling: Option<Key>,
    labels: Key,
    random: Random,
    text: String,
}

enum Rule {
    RemoveField(Key),
    /// Removes the record if all hold.
    Remove(Vec<Condition>),
    AddField {
        key: Key,
        value: Value,
        only_if_absent: bool,
    },
    AddFieldIf {
        input: Key,
        output: Key,
        mark: Key,
        expression: Expression,
        assignee: String,
    },
    AddRegexIf {
        input: Key,
        output: Key,
        mark: Key,
        regex: Regex,
    },
    AddLabel {
        label: String,
        value: String,
    },
    AddLabelIf {
        input: Key,
        label: String,
        expression: Expression,
        value: String,
    },
    Sample(Vec<(u16, Vec<Condition>)>),
}

impl TransformFilter {
    /// Resolves names, parses queries and expressions.
    pub fn new(config: &FilterConfig) -> Result<Self, String> {
        let (mut keep, mut rules) = (Vec::new(), Vec::new());
        for rule in &config.rules {
            if rule.r#type == "keep_entry_query" {
                keep.push((
                    Query::parse(&rule.keep_entry_query)?,
                    rule.keep_entry_sampling,
                ));
            } else {
                rules.push(Rule::new(rule)?);
            }
        }
        let sampling =
            (!config.sampling_field.is_empty()).then(|| Key::from(config.sampling_field.as_str()));
        Ok(Self {
            keep,
            rules,
            sampling,
            labels: Key::from("labels"),
            random: Random::new(),
            text: String::new(),
        })
    }

    /// Whether the record stays.
    fn apply(&mut self, record: &mut Record) -> bool {
        if !self.keep.is_empty() && !self.is_kept(record) {
            return false;
        }
        let mut labels = Vec::new();
        for rule in &self.rules {
            match rule {
                Rule::Remove(conditions) => {
                    if conditions.iter().all(|condition| condition.holds(record)) {
                        return false;
                    }
                }
                Rule::Sample(choices) => {
                    let choice = choices
                        .iter()
                        .find(|(_, conditions)| conditions.iter().all(|c| c.holds(record)));
                    if choice.is_some_and(|(interval, _)| !self.random.one_in(*interval)) {
                        return false;
                    }
                }
                rule => rule.mark(record, &mut labels, &mut self.text),
            }
        }
        if !labels.is_empty() {
            // Sorted by label alone, so that the last value of a label stays last.
            labels.sort_by_key(|(label, _)| *label);
            let mut text = String::new();
            let last_of_each = labels.chunk_by(|one, next| one.0 == next.0);
            for (label, value) in last_of_each.filter_map(<[_]>::last) {
                // Writing to a String cannot fail.
                let _ = write!(text, "{label}={value},");
            }
            record.set(&self.labels, Value::Text(text.trim_end_matches(',').into()));
        }
        true
    }

    fn is_kept(&mut self, record: &mut Record) -> bool {
        for (query, interval) in &self.keep {
            if query.holds(record, &mut self.text) && self.random.one_in(*interval) {
                if *interval > 0
                    && let Some(key) = &self.sampling
                {
                    update_sampling(record, key, i64::from(*interval));
                }
                return true;
            }
        }
        false
    }
}

/// Multiplies the sampling interval of a record; 0 counts as 1, and what is no number stays.
fn update_sampling(record: &mut Record, key: &Key, interval: i64) {
    let before = match record.get(key) {
        None => 1,
        Some(value) => match value.as_integer() {
            None => return,
            Some(before) => before.max(1),
        },
    };
    record.set(key, Value::int(interval.wrapping_mul(before)));
}

impl Transform for TransformFilter {
    fn transform(&mut self, batch: &mut Batch) {
        batch.records.retain_mut(|record| self.apply(record));
    }
}

impl Rule {
    fn new(rule: &FilterRule) -> Result<Self, String> {
        let missing = || format!("rule {} has no settings", rule.r#type);
        let key = |name: &str| Key::from(name);
        Ok(match rule.r#type.as_str() {
            "remove_field" => {
                Self::RemoveField(key(&rule.remove_field.as_ref().ok_or_else(missing)?.input))
            }
            "remove_entry_all_satisfied" => Self::Remove(Condition::all(
                rule.remove_entry_all_satisfied
                    .as_ref()
                    .ok_or_else(missing)?,
            )?),
            "add_field" | "add_field_if_doesnt_exist" => {
                let only_if_absent = rule.r#type == "add_field_if_doesnt_exist";
                let field = if only_if_absent {
                    &rule.add_field_if_doesnt_exist
                } else {
                    &rule.add_field
                };
                let field = field.as_ref().ok_or_else(missing)?;
                Self::AddField {
                    key: key(&field.input),
                    value: Value::from_json(field.value.clone()),
                    only_if_absent,
                }
            }
            "add_field_if" => {
                let IfRule {
                    input,
                    output,
                    parameters,
                    assignee,
                } = rule.add_field_if.as_ref().ok_or_else(missing)?;
                Self::AddFieldIf {
                    input: key(input),
                    output: key(output),
                    mark: key(&format!("{output}_Evaluate")),
                    expression: Expression::parse(parameters)?,
                    assignee: assignee.clone(),
                }
            }
            "add_regex_if" => {
                let IfRule {
                    input,
                    output,
                    parameters,
                    ..
                } = rule.add_regex_if.as_ref().ok_or_else(missing)?;
                Self::AddRegexIf {
                    input: key(input),
                    output: key(output),
                    mark: key(&format!("{output}_Matched")),
                    regex: Regex::new(parameters).map_err(|error| error.to_string())?,
                }
            }
            "add_label" => {
                let field = rule.add_label.as_ref().ok_or_else(missing)?;
                let mut value = String::new();
                Value::from_json(field.value.clone())
                    .view()
                    .write_text(&mut value);
                Self::AddLabel {
                    label: field.input.clone(),
                    value,
                }
            }
            "add_label_if" => {
                let IfRule {
                    input,
                    output,
                    parameters,
                    assignee,
                } = rule.add_label_if.as_ref().ok_or_else(missing)?;
                Self::AddLabelIf {
                    input: key(input),
                    label: output.clone(),
                    expression: Expression::parse(parameters)?,
                    value: assignee.clone(),
                }
            }
            "conditional_sampling" => {
                let rules = rule.conditional_sampling.as_ref().ok_or_else(missing)?;
                let choice =
                    |rule: &config::SamplingRule| Ok((rule.value, Condition::all(&rule.rules)?));
                Self::Sample(rules.iter().map(choice).collect::<Result<_, String>>()?)
            }
            kind => Self::Remove(vec![Condition::new(
                kind,
                rule.remove_entry.as_ref().ok_or_else(missing)?,
            )?]),
        })
    }

    /// The rules that change a record and never remove it.
    fn mark<'a>(
        &'a self,
        record: &mut Record,
        labels: &mut Vec<(&'a str, &'a str)>,
        text: &mut String,
    ) {
        match self {
            Self::RemoveField(key) => record.remove(key),
            Self::AddField {
                key,
                value,
                only_if_absent,
            } => {
                if !only_if_absent || !record.has(key) {
                    record.set(key, value.clone());
                }
            }
            Self::AddFieldIf {
                input,
                output,
                mark,
                expression,
                assignee,
            } => {
                let value = record.get(input).unwrap_or(ValueRef::Null);
                if expression.holds(value) {
                    let value = if assignee.is_empty() {
                        value.to_value()
                    } else {
                        Value::Text(assignee.as_str().into())
                    };
                    record.set(output, value);
                    record.set(mark, Value::Bool(true));
                }
            }
            Self::AddRegexIf {
                input,
                output,
                mark,
                regex,
            } => {
                let Some(value) = record.get(input) else {
                    return;
                };
                text.clear();
                value.write_text(text);
                if regex.is_match(text) {
                    let value = value.to_value();
                    record.set(output, value);
                    record.set(mark, Value::Bool(true));
                }
            }
            Self::AddLabel { label, value } => labels.push((label, value)),
            Self::AddLabelIf {
                input,
                label,
                expression,
                value,
            } => {
                if expression.holds(record.get(input).unwrap_or(ValueRef::Null)) {
                    labels.push((label, value));
                }
            }
            Self::Remove(_) | Self::Sample(_) => {}
        }
    }
}
