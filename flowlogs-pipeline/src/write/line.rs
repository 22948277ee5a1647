//! One record as one line of text: JSON, aligned fields, or as Go prints a map.
//!
//! `stdout` and `loki` share this. The JSON writer goes over the record's slots and copies names that were quoted
//! once, so that no tree of values is built per record.
//! **Invariant:** a line depends on the record alone (and for `fields` on the time given), never on what came before.

mod go;
mod json;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::{FIELD_COUNT, Field, Key, Record, ValueRef};

/// How a line is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One JSON object.
    Json,
    /// One aligned `name = value` line for each field, sorted.
    Fields,
    /// As Go prints a map, sorted.
    #[default]
    Printf,
}

/// Writes records in one format, without some fields.
#[derive(Debug)]
pub struct LineWriter {
    format: Format,
    is_sorted: bool,
    /// Per field of the dictionary its quoted name and a colon; `None` for one that is left out.
    names: Box<[Option<Box<str>>]>,
    skipped_others: Box<[Arc<str>]>,
}

impl LineWriter {
    /// `is_sorted` orders the keys of JSON, which come in the order of the dictionary otherwise.
    pub fn new(format: Format, is_sorted: bool, skipped: &[Key]) -> Self {
        let mut names: Box<[_]> = vec![None; FIELD_COUNT].into();
        for &field in Field::sorted() {
            let mut name = String::new();
            json::string(&mut name, field.name());
            name.push(':');
            names[field as usize] = Some(name.into());
        }
        let mut skipped_others = Vec::new();
        for key in skipped {
            match key {
                Key::Known(field) => names[*field as usize] = None,
                Key::Other(name) => skipped_others.push(Arc::clone(name)),
            }
        }
        Self {
            format,
            is_sorted,
            names,
            skipped_others: skipped_others.into(),
        }
    }

    /// Whether lines hold this field when a record has it.
    pub fn shows(&self, key: &Key) -> bool {
        match key {
            Key::Known(field) => self.names[*field as usize].is_some(),
            Key::Other(name) => !self.skipped_others.contains(name),
        }
    }

    /// Appends the record's line, without a line feed at the end.
    pub fn write(&self, record: &Record, now: SystemTime, out: &mut String) {
        match self.format {
            Format::Json if self.is_sorted => self.json_sorted(record, out),
            Format::Json => self.json(record, out),
            Format::Fields => self.fields(record, now, out),
            Format::Printf => self.printf(record, out),
        }
    }

    fn json(&self, record: &Record, out: &mut String) {
        out.push('{');
        let start = out.len();
        for (field, value) in record.known() {
            if let Some(name) = &self.names[field as usize] {
                if out.len() > start {
                    out.push(',');
                }
                out.push_str(name);
                json::value(out, value);
            }
        }
        for (name, value) in self.others(record) {
            if out.len() > start {
                out.push(',');
            }
            json::string(out, name);
            out.push(':');
            json::value(out, value);
        }
        out.push('}');
    }

    fn json_sorted(&self, record: &Record, out: &mut String) {
        out.push('{');
        for (index, (name, value)) in self.sorted(record).into_iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            json::string(out, name);
            out.push(':');
            json::value(out, value);
        }
        out.push('}');
    }

    fn printf(&self, record: &Record, out: &mut String) {
        out.push_str("map[");
        for (index, (name, value)) in self.sorted(record).into_iter().enumerate() {
            if index > 0 {
                out.push(' ');
            }
            out.push_str(name);
            out.push(':');
            go::value(out, value);
        }
        out.push(']');
    }

    fn fields(&self, record: &Record, now: SystemTime, out: &mut String) {
        let sorted = self.sorted(record);
        let width = sorted.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        out.push_str("\n\nFlow record at ");
        stamp(out, now);
        out.push(':');
        for (name, value) in sorted {
            // Writing to a String cannot fail.
            let _ = write!(out, "\n{name:<width$} = ");
            go::value(out, value);
        }
    }

    fn others<'a>(&'a self, record: &'a Record) -> impl Iterator<Item = (&'a str, ValueRef<'a>)> {
        record.others().filter(|(name, _)| {
            !self
                .skipped_others
                .iter()
                .any(|skipped| **skipped == **name)
        })
    }

    fn sorted<'a>(&'a self, record: &'a Record) -> Vec<(&'a str, ValueRef<'a>)> {
        let known = record
            .known()
            .filter(|(field, _)| self.names[*field as usize].is_some());
        let mut all: Vec<_> = known
            .map(|(field, value)| (field.name(), value))
            .chain(self.others(record))
            .collect();
        all.sort_unstable_by_key(|(name, _)| *name);
        all
    }
}

/// Appends a time as Go's layout `Jan _2 15:04:05.000` says it, in UTC.
fn stamp(out: &mut String, time: SystemTime) {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs();
    // Days to a date of the civil calendar, counted in eras of 400 years that start in March.
    let days = seconds / 86_400 + 719_468;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = MONTHS[((shifted + 2) % 12) as usize];
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let milliseconds = since.subsec_millis();
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "{month} {day:>2} {hour:02}:{minute:02}:{second:02}.{milliseconds:03}"
    );
}

#[cfg(test)]
mod tests;
