//! From a source's answer to the bytes of ours: streams, matrix, CSV. Pure.
//!
//! Called by `api`. **Invariant:** shapes are those of NetObserv's console back end; the clock is an
//! argument.

pub mod csv;
mod matrix;
mod streams;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

pub use self::matrix::matrix;
pub use self::streams::streams;
#[cfg(test)]
pub(crate) use self::{matrix::MatrixSeries, streams::Stream};
use crate::sources::Cost;

/// What every answer says about itself.
#[expect(clippy::struct_field_names, reason = "names of the API")]
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stats {
    num_queries: usize,
    total_entries: usize,
    duplicates: usize,
    limit_reached: bool,
    #[schemars(with = "Vec<Value>")]
    queries_stats: [Value; 1],
    #[schemars(with = "Vec<String>")]
    data_sources: [&'static str; 1],
}

impl Stats {
    fn new(total_entries: usize, limit_reached: bool, cost: Cost) -> Self {
        let summary = json!({
            "execTime": cost.seconds,
            "totalLinesProcessed": cost.rows_scanned,
            "totalFiles": cost.files,
        });
        Self {
            num_queries: 1,
            total_entries,
            duplicates: 0,
            limit_reached,
            queries_stats: [json!({ "summary": summary })],
            data_sources: ["loki"],
        }
    }
}

/// The envelope of records and metrics.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Envelope<R> {
    result_type: &'static str,
    result: R,
    stats: Stats,
    unix_timestamp: i64,
}
