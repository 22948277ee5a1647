//! Stream labels: which there are, and their text for a record.
//!
//! **Invariant:** the text of a record's labels is sorted by name, so that equal labels give equal text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::metrics::text::is_label_name;
use crate::model::{Key, Record};

/// A label of this name is no label: its value is the tenant.
const TENANT_LABEL: &str = "__tenant_id__";

#[derive(Debug)]
struct Label {
    name: String,
    field: Option<Key>,
    fixed: Option<String>,
}

/// Writes the labels of records.
#[derive(Debug)]
pub struct Labels {
    sorted: Vec<Label>,
    tenant: Option<Label>,
    scratch: String,
}

impl Labels {
    /// `fields` gives the dynamic labels; of a name that cannot be a label the field stays in the line.
    pub fn new(fields: &[String], fixed: &BTreeMap<String, String>) -> Self {
        let mut by_name: BTreeMap<String, Label> = BTreeMap::new();
        for (name, value) in fixed {
            let label = Label {
                name: name.clone(),
                field: None,
                fixed: Some(value.clone()),
            };
            by_name.insert(name.clone(), label);
        }
        for field in fields {
            let Some(name) = label_name(field) else {
                continue;
            };
            let label = by_name.entry(name.clone()).or_insert(Label {
                name,
                field: None,
                fixed: None,
            });
            label.field = Some(field.as_str().into());
        }
        let tenant = by_name.remove(TENANT_LABEL);
        Self {
            sorted: by_name.into_values().collect(),
            tenant,
            scratch: String::new(),
        }
    }

    /// The fields that are labels and so not in the line.
    pub fn fields(&self) -> impl Iterator<Item = &Key> {
        self.sorted
            .iter()
            .chain(&self.tenant)
            .filter_map(|label| label.field.as_ref())
    }

    /// Appends `{a="x", b="y"}`.
    pub fn write(&mut self, record: &Record, out: &mut String) {
        out.push('{');
        let start = out.len();
        for label in &self.sorted {
            self.scratch.clear();
            let value = label.value(record, &mut self.scratch);
            let Some(value) = value else { continue };
            if out.len() > start {
                out.push_str(", ");
            }
            out.push_str(&label.name);
            out.push('=');
            quote(out, value);
        }
        out.push('}');
    }

    /// The tenant of this record, if a label says so.
    pub fn tenant(&self, record: &Record) -> Option<String> {
        let mut text = String::new();
        self.tenant
            .as_ref()?
            .value(record, &mut text)
            .map(str::to_owned)
    }
}

impl Label {
    fn value<'a>(&'a self, record: &Record, scratch: &'a mut String) -> Option<&'a str> {
        match self.field.as_ref().and_then(|key| record.get(key)) {
            Some(value) => {
                value.write_text(scratch);
                Some(scratch)
            }
            None => self.fixed.as_deref(),
        }
    }
}

/// The label name of a field: some characters are replaced, others make it no label.
pub fn label_name(field: &str) -> Option<String> {
    let name = field.replace(['/', '.', '-'], "_");
    is_label_name(&name).then_some(name)
}

/// Appends the text in double quotes, as Loki's label parser reads it.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    let mut clean_from = 0;
    for (at, character) in text.char_indices() {
        if !character.is_control() && character != '"' && character != '\\' {
            continue;
        }
        out.push_str(&text[clean_from..at]);
        clean_from = at + character.len_utf8();
        // Writing to a String cannot fail.
        let _ = match character {
            '"' | '\\' => write!(out, "\\{character}"),
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            control => write!(out, "\\u{:04x}", u32::from(control)),
        };
    }
    out.push_str(&text[clean_from..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::model::Value;

    fn check(fields: &[&str], fixed: &[(&str, &str)], record: &[(&str, &str)], expected: &str) {
        let fields: Vec<_> = fields.iter().map(|&name| name.to_owned()).collect();
        let fixed = fixed
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let mut data = Record::new();
        for &(name, value) in record {
            data.set(&name.into(), Value::Text(value.into()));
        }
        let mut out = String::new();
        Labels::new(&fields, &fixed).write(&data, &mut out);
        assert_eq!(out, expected);
    }

    #[test]
    fn labels_are_sorted_and_an_absent_field_gives_none() {
        check(
            &["SrcK8S_Namespace", "FlowDirection", "DstK8S_Namespace"],
            &[("app", "netobserv-flowcollector")],
            &[
                ("SrcK8S_Namespace", "shop"),
                ("FlowDirection", "1"),
                ("Bytes", "10"),
            ],
            r#"{FlowDirection="1", SrcK8S_Namespace="shop", app="netobserv-flowcollector"}"#,
        );
        check(&[], &[], &[], "{}");
    }

    #[test]
    fn names_are_made_valid_or_left_out_and_a_field_overrides_a_constant() {
        check(
            &["fo.o", "ba-r", "ba/z", "wha?t", "app"],
            &[("app", "constant")],
            &[
                ("fo.o", "1"),
                ("ba-r", "2"),
                ("ba/z", "3"),
                ("wha?t", "4"),
                ("app", "own"),
            ],
            r#"{app="own", ba_r="2", ba_z="3", fo_o="1"}"#,
        );
        check(&["app"], &[("app", "constant")], &[], r#"{app="constant"}"#);
    }

    #[test]
    fn values_are_quoted() {
        check(
            &["a"],
            &[],
            &[("a", "q\"\\\n\u{1}é")],
            "{a=\"q\\\"\\\\\\n\\u0001é\"}",
        );
    }

    #[test]
    fn the_tenant_label_is_no_label() {
        let labels = Labels::new(&[TENANT_LABEL.into(), "a".into()], &BTreeMap::new());
        let mut record = Record::new();
        record.set(&TENANT_LABEL.into(), Value::Text("blue".into()));
        assert_eq!(labels.tenant(&record).as_deref(), Some("blue"));
        assert_eq!(
            labels.fields().map(Key::name).collect::<Vec<_>>(),
            ["a", TENANT_LABEL]
        );
    }
}
