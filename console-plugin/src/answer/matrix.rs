//! Series as a Prometheus matrix: seconds and values as text.
//!
//! **Invariant:** a number is written as the shortest text that reads back equal, without exponent.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};

use super::streams::Labels;
use super::{Envelope, Stats};
use crate::sources::{Matrix, Series};

/// The JSON of a metrics answer.
pub fn matrix(answer: &Matrix, limit_reached: bool, now_s: i64) -> Vec<u8> {
    let result: Vec<MatrixSeries<'_>> = answer
        .series
        .iter()
        .map(|Series { labels, samples }| MatrixSeries {
            metric: Labels(labels),
            values: Samples(samples),
        })
        .collect();
    let stats = Stats::new(0, limit_reached, answer.cost);
    let envelope = Envelope {
        result_type: "matrix",
        result,
        stats,
        unix_timestamp: now_s,
    };
    // Text keys and finite numbers only, so this cannot fail.
    serde_json::to_vec(&envelope).unwrap_or_default()
}

/// One group over time.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MatrixSeries<'a> {
    #[schemars(with = "HashMap<String, String>")]
    metric: Labels<'a>,
    /// Seconds and value.
    #[schemars(with = "Vec<(f64, String)>")]
    values: Samples<'a>,
}

struct Samples<'a>(&'a [(i64, f64)]);

impl Serialize for Samples<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.0.len()))?;
        for (time_ms, value) in self.0 {
            sequence.serialize_element(&(Seconds(*time_ms), Number(*value)))?;
        }
        sequence.end()
    }
}

struct Seconds(i64);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 1000 == 0 {
            serializer.serialize_i64(self.0 / 1000)
        } else {
            serializer.serialize_f64(self.0 as f64 / 1000.0)
        }
    }
}

struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::sources::{Cost, Place};

    #[test]
    fn samples_are_seconds_and_text() {
        let series = vec![Series {
            labels: vec![("SrcAddr".into(), "10.0.0.1".into())],
            samples: vec![
                (1_700_000_000_000, 12.5),
                (1_700_000_015_250, 1e21),
                (1_700_000_030_000, 13.0),
            ],
        }];
        let value: serde_json::Value = serde_json::from_slice(&matrix(
            &Matrix {
                series,
                cost: Cost::default(),
                place: Place::default(),
            },
            false,
            7,
        ))
        .unwrap();
        assert_eq!(
            value["result"],
            serde_json::json!([{
                "metric": {"SrcAddr": "10.0.0.1"},
                "values": [[1_700_000_000, "12.5"], [1_700_000_015.25, "1000000000000000000000"], [1_700_000_030, "13"]]
            }])
        );
        assert_eq!(value["resultType"], "matrix");
        assert_eq!(value["stats"]["totalEntries"], 0);
    }
}
