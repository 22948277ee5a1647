//! Stores and pushes for the tests.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use plugin_backend::config::duration::GoDuration;
use plugin_backend::store::Store;
use plugin_backend::store::config::StoreConfig;
use plugin_backend::store::push::Encoding;
use plugin_backend::store::query::{AggregateQuery, Control, Filter, Function};

/// Where the tests' rows begin: 2026-11-24T00:00:00Z.
pub const T0: i64 = 1_795_478_400_000;

/// Keeps rows of any time, whenever the test runs.
pub fn config(path: &Path) -> StoreConfig {
    let mut config = StoreConfig::at(path);
    config.retention.age = GoDuration(Duration::from_hours(24 * 36_500));
    config.limits.future = GoDuration(Duration::from_hours(24 * 36_500));
    config.limits.free_bytes = 0;
    config
}

pub fn control() -> Control {
    Control::within(Duration::from_mins(2))
}

/// A JSON push of one stream.
pub fn json_push(labels: &[(&str, &str)], lines: &[(i64, &str)]) -> Bytes {
    let stream: serde_json::Map<String, serde_json::Value> = labels
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).into()))
        .collect();
    let values: Vec<_> = lines
        .iter()
        .map(|(ms, line)| [format!("{ms}000000"), (*line).to_owned()])
        .collect();
    serde_json::json!({"streams": [{"stream": stream, "values": values}]})
        .to_string()
        .into()
}

/// Rows the store answers for.
pub fn row_count(store: &Store) -> u64 {
    let query = AggregateQuery {
        start_ms: T0 + 1_000_000_000_000,
        end_ms: T0 + 1_000_000_000_000,
        step_ms: 1,
        range_ms: 2_000_000_000_000,
        filter: Filter::TRUE,
        group_by: Vec::new(),
        function: Function::Count,
        value_field: None,
        factor: 1.0,
        top_k: 1,
    };
    let answer = store.aggregate(&query, &control()).expect("an answer");
    answer
        .series
        .first()
        .map_or(0, |series| series.samples[0].1 as u64)
}

/// Four rows `a` to `d` (field `Id`) that differ in what filters look at.
pub fn store_with_rows(path: &Path) -> Store {
    let store = Store::open(config(path)).expect("a store");
    let lines = [
        r#"{"Id":"a","SrcAddr":"10.0.0.1","SrcPort":443,"SrcK8S_Name":"web-1","Interfaces":["eth0"],"Flags":16,"Proto":6}"#,
        r#"{"Id":"b","SrcAddr":"10.0.0.2","SrcPort":80,"SrcK8S_Name":"web-2","Interfaces":["eth0","eth1"],"Flags":["SYN","ACK"],"Proto":17}"#,
        r#"{"Id":"c","SrcAddr":"2001:db8::1","SrcK8S_Name":""}"#,
        r#"{"Id":"d","Novel":7,"_IsFirst":true}"#,
    ];
    let lines: Vec<(i64, &str)> = lines.iter().map(|line| (T0, *line)).collect();
    store
        .push(Encoding::Json, json_push(&[("app", "x")], &lines))
        .expect("a push");
    store
}
