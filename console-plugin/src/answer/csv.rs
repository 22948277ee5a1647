//! Records as CSV: three columns of time first, then the asked-for columns in the order asked for,
//! or all columns that occur, sorted.
//!
//! Numbers are written as they are and a missing field is an empty cell, where NetObserv writes
//! `1.7e+12` and `<nil>`.
//! **Invariant:** every row has as many cells as the header.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use crate::sources::Record;

/// Always there, always first.
const TIMES: [&str; 3] = ["TimeFlowStartMs", "TimeFlowEndMs", "TimeReceived"];

/// Why a row cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("read a stored line as JSON: {0}")]
pub struct LineError(#[from] serde_json::Error);

/// The text of the file. An empty `columns` means all that occur.
pub fn csv(records: &[Record], columns: &[&str]) -> Result<String, LineError> {
    let rows: Vec<Row<'_>> = records.iter().map(Row::read).collect::<Result<_, _>>()?;
    let mut names: Vec<String> = TIMES.map(str::to_owned).to_vec();
    if columns.is_empty() {
        let all: BTreeSet<&str> = rows
            .iter()
            .flat_map(Row::names)
            .filter(|name| !TIMES.contains(name))
            .collect();
        names.extend(all.into_iter().map(str::to_owned));
    } else {
        for column in columns {
            if !names.iter().any(|name| name == column) {
                names.push((*column).to_owned());
            }
        }
    }
    let mut text = String::with_capacity((records.len() + 1) * 128);
    write_row(&mut text, names.iter().map(String::clone));
    for row in &rows {
        write_row(&mut text, names.iter().map(|name| row.cell(name)));
    }
    Ok(text)
}

struct Row<'a> {
    labels: HashMap<&'a str, &'a str>,
    fields: Map<String, Value>,
}

impl<'a> Row<'a> {
    fn read(record: &'a Record) -> Result<Self, LineError> {
        let labels = record
            .labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        Ok(Self {
            labels,
            fields: serde_json::from_str(&record.line)?,
        })
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.labels
            .keys()
            .copied()
            .chain(self.fields.keys().map(String::as_str))
    }

    fn cell(&self, name: &str) -> String {
        match self.fields.get(name) {
            Some(value) => shown(value),
            None => self
                .labels
                .get(name)
                .copied()
                .unwrap_or_default()
                .to_owned(),
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(shown).collect::<Vec<_>>().join(" ")
        ),
        other => other.to_string(),
    }
}

fn write_row(text: &mut String, cells: impl Iterator<Item = String>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            text.push(',');
        }
        if cell.contains([',', '"', '\n', '\r']) || cell.starts_with(' ') {
            text.push('"');
            text.push_str(&cell.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(&cell);
        }
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn record(labels: &[(&str, &str)], line: &str) -> Record {
        let labels = labels
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        Record {
            time_ms: 0,
            labels,
            line: line.into(),
        }
    }

    #[test]
    fn asked_for_columns_follow_the_times() {
        let line = r#"{"TimeFlowStartMs":1700000000000,"TimeFlowEndMs":1700000001000,"TimeReceived":1700000002,"Bytes":840,"Flags":["SYN","ACK"]}"#;
        let records = [record(&[("SrcK8S_Namespace", "shop")], line)];
        let text = csv(&records, &["SrcK8S_Namespace", "Bytes", "Flags"]).unwrap();
        assert_eq!(
            text,
            "TimeFlowStartMs,TimeFlowEndMs,TimeReceived,SrcK8S_Namespace,Bytes,Flags\n\
             1700000000000,1700000001000,1700000002,shop,840,[SYN ACK]\n"
        );
    }

    #[test]
    fn all_columns_of_all_rows_are_there() {
        let records = [
            record(&[("app", "x")], r#"{"B":1}"#),
            record(&[], r#"{"A":"a,\"b\"","C":true}"#),
        ];
        let text = csv(&records, &[]).unwrap();
        assert_eq!(
            text,
            "TimeFlowStartMs,TimeFlowEndMs,TimeReceived,A,B,C,app\n,,,,1,,x\n,,,\"a,\"\"b\"\"\",,true,\n"
        );
    }

    #[test]
    fn no_rows_are_a_header() {
        assert_eq!(
            csv(&[], &[]).unwrap(),
            "TimeFlowStartMs,TimeFlowEndMs,TimeReceived\n"
        );
    }
}
