//! Records as CSV: three columns of time first, then the asked-for columns in the order asked for,
//! or all columns that occur, sorted.
//!
//! Numbers are written as they are and a missing field is an empty cell, where NetObserv writes
//! `1.7e+12` and `<nil>`.
//! **Invariant:** every row has as many cells as the header.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::sources::Record;

/// Always there, always first.
const TIMES: [&str; 3] = ["TimeFlowStartMs", "TimeFlowEndMs", "TimeReceived"];

/// Why a row cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("read a stored line as JSON: {0}")]
pub struct LineError(#[from] serde_json::Error);

/// The text of the file. An empty `columns` means all that occur.
pub fn csv(records: &[Record], columns: &[&str]) -> Result<String, LineError> {
    let mut names: Vec<Cow<'_, str>> = TIMES.map(Cow::Borrowed).to_vec();
    if columns.is_empty() {
        names.extend(occurring(records)?);
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
        members(&record.line, |name, value| {
            if let Some(place) = places.get(name.as_ref()) {
                cells[*place] = shown(value)?;
            }
            Ok(())
        })?;
        write_row(&mut text, cells.drain(..));
    }
    Ok(text)
}

/// All names of labels and fields but those of the times, sorted.
fn occurring(records: &[Record]) -> Result<BTreeSet<Cow<'_, str>>, LineError> {
    let mut all: BTreeSet<Cow<'_, str>> = BTreeSet::new();
    for record in records {
        all.extend(record.labels.iter().map(|(name, _)| Cow::Borrowed(&**name)));
        members(&record.line, |name, _| {
            all.insert(name);
            Ok(())
        })?;
    }
    for time in TIMES {
        all.remove(time);
    }
    Ok(all)
}

/// Visits the members of a line, one at a time: a map of all of them would take many times the line's memory.
fn members<'a>(
    line: &'a str,
    visit: impl FnMut(Cow<'a, str>, &'a RawValue) -> Result<(), serde_json::Error>,
) -> Result<(), LineError> {
    struct Members<F>(F);

    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

    impl<'de, F> Visitor<'de> for Members<F>
    where
        F: FnMut(Cow<'de, str>, &'de RawValue) -> Result<(), serde_json::Error>,
    {
        type Value = ();

        fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
            text.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
            while let Some((name, value)) = members.next_entry::<Name<'de>, &'de RawValue>()? {
                (self.0)(name.0, value).map_err(serde::de::Error::custom)?;
            }
            Ok(())
        }
    }

    let mut json = serde_json::Deserializer::from_str(line);
    json.deserialize_map(Members(visit))?;
    Ok(json.end()?)
}

/// A value as a cell.
fn shown(value: &RawValue) -> Result<Cow<'_, str>, serde_json::Error> {
    let json = value.get();
    Ok(match json.as_bytes().first() {
        Some(b'"' | b'[') => Cow::Owned(plain(&serde_json::from_str(json)?)),
        _ if json == "null" => Cow::Borrowed(""),
        _ => Cow::Borrowed(json),
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
