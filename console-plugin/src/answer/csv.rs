//! Records as CSV: three columns of time first, then the asked-for columns in the order asked for,
//! or all columns that occur, sorted.
//!
//! Numbers are written as they are and a missing field is an empty cell, where NetObserv writes
//! `1.7e+12` and `<nil>`.
//! **Invariant:** every row has as many cells as the header.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::sources::Record;
use crate::store::json;

/// Always there, always first.
const TIMES: [&str; 3] = ["TimeFlowStartMs", "TimeFlowEndMs", "TimeReceived"];

/// Why a row cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    #[error("read a stored line as JSON: {0}")]
    Line(#[from] json::LineError),
    #[error("read a list of a stored line as JSON: {0}")]
    List(#[from] serde_json::Error),
}

/// The text of the file. An empty `columns` means all that occur.
pub fn csv(records: &[Record], columns: &[&str]) -> Result<String, LineError> {
    let mut names: Vec<Cow<'_, str>> = TIMES.map(Cow::Borrowed).to_vec();
    if columns.is_empty() {
        names.extend(occurring(records)?.into_iter().map(Cow::Owned));
    } else {
        for column in columns {
            if !names.iter().any(|name| name == column) {
                names.push(Cow::Borrowed(column));
            }
        }
    }
    let places: HashMap<&str, usize> = names
        .iter()
        .enumerate()
        .map(|(place, name)| (&**name, place))
        .collect();
    let mut text = String::with_capacity((records.len() + 1) * 128);
    write_row(&mut text, names.iter().map(|name| Cow::Borrowed(&**name)));
    let mut cells: Vec<Cow<'_, str>> = Vec::new();
    for record in records {
        cells.clear();
        cells.resize(names.len(), Cow::Borrowed(""));
        for (name, value) in &record.labels {
            if let Some(place) = places.get(name.as_str()) {
                cells[*place] = Cow::Borrowed(value);
            }
        }
        let mut unread = None;
        json::object(&record.line, |name, value, json| {
            if let Some(place) = places.get(name) {
                match shown(value, json) {
                    Ok(cell) => cells[*place] = cell,
                    Err(error) => unread = Some(error),
                }
            }
        })?;
        if let Some(error) = unread {
            return Err(error.into());
        }
        write_row(&mut text, cells.drain(..));
    }
    Ok(text)
}

/// All names of labels and fields but those of the times, sorted.
fn occurring(records: &[Record]) -> Result<BTreeSet<String>, LineError> {
    let mut all = BTreeSet::new();
    let mut note = |name: &str| {
        if !all.contains(name) && !TIMES.contains(&name) {
            all.insert(name.to_owned());
        }
    };
    for record in records {
        record.labels.iter().for_each(|(name, _)| note(name));
        json::object(&record.line, |name, _, _| note(name))?;
    }
    Ok(all)
}

/// A value of a line as a cell.
fn shown<'a>(value: json::Value<'a>, json: &'a str) -> Result<Cow<'a, str>, serde_json::Error> {
    Ok(match value {
        json::Value::Text(text) => text,
        json::Value::Other if json.starts_with('[') => {
            Cow::Owned(plain(&serde_json::from_str(json)?))
        }
        json::Value::Other if json == "null" => Cow::Borrowed(""),
        json::Value::Int(_) | json::Value::Other => Cow::Borrowed(json),
    })
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(plain).collect::<Vec<_>>().join(" ")
        ),
        other => other.to_string(),
    }
}

fn write_row<'a>(text: &mut String, cells: impl Iterator<Item = Cow<'a, str>>) {
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

    #[test]
    fn a_file_takes_little_more_memory_than_its_text() {
        let line = format!(
            "{{{}}}",
            (0..40)
                .map(|at| format!("\"Field{at}\":{at}"))
                .collect::<Vec<_>>()
                .join(",")
        );
        let records: Vec<Record> = (0..2_000).map(|_| record(&[], &line)).collect();
        let mut length = 0;
        let cost = allocation_counter::measure(|| length = csv(&records, &[]).unwrap().len());
        assert!(
            cost.bytes_max < 4 * length as u64 + (1 << 20),
            "{} for {length}",
            cost.bytes_max
        );
    }
}
