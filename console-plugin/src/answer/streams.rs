//! Records as Loki's streams: rows of equal labels together, newest first.
//!
//! **Invariant:** labels and line of each row leave as they came.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::{Envelope, Stats};
use crate::sources::{Record, Records};

/// The JSON of a records answer.
pub fn streams(answer: &Records, limit_reached: bool, now_s: i64) -> Vec<u8> {
    let mut by_labels: HashMap<&[(String, String)], usize> = HashMap::new();
    let mut result: Vec<Stream<'_>> = Vec::new();
    for record in &answer.records {
        let index = *by_labels.entry(&record.labels).or_insert_with(|| {
            result.push(Stream {
                stream: Labels(&record.labels),
                values: Vec::new(),
            });
            result.len() - 1
        });
        result[index].values.push(Entry(record));
    }
    let stats = Stats::new(answer.records.len(), limit_reached, answer.cost);
    let envelope = Envelope {
        result_type: "streams",
        result,
        stats,
        unix_timestamp: now_s,
    };
    // Text keys and finite numbers only, so this cannot fail.
    serde_json::to_vec(&envelope).unwrap_or_default()
}

/// Rows of equal labels.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Stream<'a> {
    #[schemars(with = "HashMap<String, String>")]
    stream: Labels<'a>,
    /// Nanoseconds and line.
    #[schemars(with = "Vec<(String, String)>")]
    values: Vec<Entry<'a>>,
}

/// Labels as one JSON object.
pub(super) struct Labels<'a>(pub &'a [(String, String)]);

impl Serialize for Labels<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// `["<nanoseconds>", "<line>"]`.
struct Entry<'a>(&'a Record);

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (Nanoseconds(self.0.time_ms), &self.0.line).serialize(serializer)
    }
}

struct Nanoseconds(i64);

impl Serialize for Nanoseconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&(i128::from(self.0) * 1_000_000))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::sources::{Cost, Place};

    #[test]
    fn rows_of_equal_labels_share_a_stream() {
        let record = |time_ms, namespace: &str, line: &str| Record {
            time_ms,
            labels: vec![("app".into(), "x".into()), ("ns".into(), namespace.into())],
            line: line.into(),
        };
        let records = vec![
            record(1_700_000_000_123, "a", r#"{"Bytes":1}"#),
            record(1_700_000_000_122, "b", "{}"),
            record(1_700_000_000_121, "a", r#"{"Bytes":2}"#),
        ];
        let answer = Records {
            records,
            is_limited: false,
            cost: Cost::default(),
            place: Place::default(),
        };
        let value: serde_json::Value = serde_json::from_slice(&streams(&answer, true, 7)).unwrap();
        assert_eq!(
            value,
            serde_json::json!({
                "resultType": "streams",
                "result": [
                    {"stream": {"app": "x", "ns": "a"}, "values": [
                        ["1700000000123000000", "{\"Bytes\":1}"],
                        ["1700000000121000000", "{\"Bytes\":2}"]]},
                    {"stream": {"app": "x", "ns": "b"}, "values": [["1700000000122000000", "{}"]]}
                ],
                "stats": {"numQueries": 1, "totalEntries": 3, "duplicates": 0, "limitReached": true,
                    "queriesStats": [{"summary": {"execTime": 0.0, "totalLinesProcessed": 0, "totalFiles": 0}}],
                    "dataSources": ["loki"]},
                "unixTimestamp": 7
            })
        );
    }
}
