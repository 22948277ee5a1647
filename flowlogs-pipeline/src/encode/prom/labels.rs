//! Label text of a record.
//!
//! **Invariant:** one plan serves all metrics with the same labels, so that a record's text is written and hashed once
//! for all of them.

use std::collections::BTreeMap;

use super::flatten::{Part, Source};
use crate::metrics::family::LabelHasher;
use crate::metrics::text::escape;
use crate::model::{Record, ValueRef};

/// The labels of one or more metrics.
#[derive(Debug)]
pub struct LabelPlan {
    labels: Vec<Label>,
    hasher: LabelHasher,
    text: String,
    hash: u64,
    scratch: String,
    /// Number of the record the text was written for.
    written_for: u64,
}

#[derive(Debug, PartialEq)]
struct Label {
    /// `name="`, after a comma unless it is the first.
    start: String,
    source: Source,
}

impl LabelPlan {
    pub fn new(
        fields: &[String],
        remap: &BTreeMap<String, String>,
        flatten: &[String],
        hasher: LabelHasher,
    ) -> Self {
        let labels = fields.iter().enumerate().map(|(index, field)| {
            let comma = if index == 0 { "" } else { "," };
            Label {
                start: format!("{comma}{}=\"", label_name(field, remap)),
                source: Source::new(field, flatten),
            }
        });
        Self {
            labels: labels.collect(),
            hasher,
            text: String::new(),
            hash: 0,
            scratch: String::new(),
            written_for: 0,
        }
    }

    /// Whether the other plan gives the same text for every record.
    pub fn is_same(&self, other: &Self) -> bool {
        self.labels == other.labels
    }

    /// Hash and text of a record without flattened fields; `number` tells records apart and is never 0.
    #[inline]
    pub fn of_record(&mut self, number: u64, record: &Record) -> (u64, &str) {
        if self.written_for != number {
            self.write(record, &[]);
            self.written_for = number;
        }
        (self.hash, &self.text)
    }

    /// Hash and text of one part of a record.
    pub fn of_part(&mut self, record: &Record, part: &Part<'_>) -> (u64, &str) {
        self.written_for = 0;
        self.write(record, part);
        (self.hash, &self.text)
    }

    fn write(&mut self, record: &Record, part: &Part<'_>) {
        self.text.clear();
        for label in &self.labels {
            self.text.push_str(&label.start);
            match label.source.get(record, part) {
                None => {}
                Some(ValueRef::Text(text)) => escape(&mut self.text, text),
                // Nothing in their texts needs escaping.
                Some(value @ (ValueRef::Number(_) | ValueRef::Address(_) | ValueRef::Mac(_))) => {
                    value.write_text(&mut self.text);
                }
                Some(value) => {
                    self.scratch.clear();
                    value.write_text(&mut self.scratch);
                    escape(&mut self.text, &self.scratch);
                }
            }
            self.text.push('"');
        }
        self.hash = self.hasher.hash(&self.text);
    }
}

/// The label of a field: its other name if it has one, with what Prometheus does not allow replaced.
pub fn label_name(field: &str, remap: &BTreeMap<String, String>) -> String {
    let name = remap.get(field).map_or(field, String::as_str);
    let mut valid: String = name
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() || letter == '_' {
                letter
            } else {
                '_'
            }
        })
        .collect();
    if valid.starts_with(|first: char| first.is_ascii_digit()) {
        valid.insert(0, '_');
    }
    valid
}
