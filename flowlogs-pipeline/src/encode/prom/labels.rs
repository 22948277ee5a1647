//! Label text of a record.
//!
//! **Invariant:** one plan serves all metrics with the same labels, so that a record's text is written and hashed once
//! for all of them, and only if one of them counts the record.

use std::collections::BTreeMap;
use std::ops::Range;

use super::flatten::{Part, Source};
use crate::metrics::family::LabelHasher;
use crate::metrics::text::escape;
use crate::model::{Record, ValueRef};

/// Memory for texts that is kept from batch to batch; usual ones take a fifth of it.
const TEXT_BYTES_KEPT: usize = 256 << 10;

/// The labels of one or more metrics.
#[derive(Debug)]
pub struct LabelPlan {
    labels: Vec<Label>,
    /// Whether the text depends on the part of a record.
    is_flat: bool,
    hasher: LabelHasher,
    /// Texts of the batch's records, one after the other.
    texts: String,
    /// Per record of the batch hash and place of its text, once written.
    written: Vec<Option<(u64, Range<usize>)>>,
    scratch: String,
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
        let labels = fields.iter().enumerate();
        let labels = labels.map(|(index, field)| {
            let comma = if index == 0 { "" } else { "," };
            Label {
                start: format!("{comma}{}=\"", label_name(field, remap)),
                source: Source::new(field, flatten),
            }
        });
        let labels: Vec<Label> = labels.collect();
        let is_flat = |label: &Label| matches!(label.source, Source::Flat { .. });
        Self {
            is_flat: labels.iter().any(is_flat),
            labels,
            hasher,
            texts: String::new(),
            written: Vec::new(),
            scratch: String::new(),
        }
    }

    /// Whether the other plan gives the same text for every record.
    pub fn is_same(&self, other: &Self) -> bool {
        self.labels == other.labels
    }

    /// Forgets the batch before; the next has so many records.
    pub fn start(&mut self, records: usize) {
        self.texts.clear();
        // One batch of very long texts must not hold its memory for ever.
        self.texts.shrink_to(TEXT_BYTES_KEPT);
        self.written.clear();
        self.written.resize(records, None);
    }

    /// Hash and text of the record at this place of the batch, or of one part of it.
    #[inline]
    pub fn of(&mut self, place: usize, record: &Record, part: &Part<'_>) -> (u64, &str) {
        let (hash, range) = if self.is_flat {
            // Each part has a text of its own, used before the next is written.
            self.texts.clear();
            self.write(record, part)
        } else if let Some(known) = &self.written[place] {
            known.clone()
        } else {
            let written = self.write(record, part);
            self.written[place] = Some(written.clone());
            written
        };
        (hash, &self.texts[range])
    }

    fn write(&mut self, record: &Record, part: &Part<'_>) -> (u64, Range<usize>) {
        let text = &mut self.texts;
        let start = text.len();
        for label in &self.labels {
            text.push_str(&label.start);
            match label.source.get(record, part) {
                None => {}
                Some(ValueRef::Text(value)) => escape(text, value),
                // Nothing in their texts needs escaping.
                Some(value @ (ValueRef::Number(_) | ValueRef::Address(_) | ValueRef::Mac(_))) => {
                    value.write_text(text);
                }
                Some(value) => {
                    self.scratch.clear();
                    value.write_text(&mut self.scratch);
                    escape(text, &self.scratch);
                }
            }
            text.push('"');
        }
        (self.hasher.hash(&text[start..]), start..text.len())
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
