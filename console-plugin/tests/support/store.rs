//! Stores and pushes for the tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use plugin_backend::config::duration::GoDuration;
use plugin_backend::store::Store;
use plugin_backend::store::config::StoreConfig;
use plugin_backend::store::push::Encoding;
use plugin_backend::store::query::{AggregateQuery, Control, Filter, Function};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

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

pub const HOUR_MS: i64 = 3_600_000;

pub fn sealed_files(root: &Path) -> Vec<PathBuf> {
    let hours = fs::read_dir(root.join("flows"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files = hours.flat_map(|hour| {
        fs::read_dir(hour)
            .unwrap()
            .map(|entry| entry.unwrap().path())
    });
    let mut files: Vec<PathBuf> = files.collect();
    files.sort();
    files
}

pub fn metric(store: &Store, name: &str) -> u64 {
    let mut registry = Registry::default();
    store.register(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with(&format!("{name} ")))
        .unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(3);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Overwrites all of a file but its footer, so that only reading its rows shows it.
pub fn damage_inside(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let length = bytes[bytes.len() - 8..][..4].try_into().unwrap();
    let footer = bytes.len() - 8 - u32::from_le_bytes(length) as usize;
    bytes[4..footer].fill(0xa5);
    fs::write(file, &bytes).unwrap();
}

pub fn machine_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_millis() as i64
}

/// Stores pushes and closes the store, so that each hour has one file of them.
pub fn fill(root: &Path, pushes: Vec<Vec<u8>>) {
    let store = Store::open(config(root)).unwrap();
    for push in pushes {
        store.push(Encoding::Protobuf, push.into()).unwrap();
    }
    close(store, root);
}

/// Closes a store until all its rows are in files: what a slow disk does not take in the time that there is at the end is
/// in the log, which the next store seals.
pub fn close(store: Store, root: &Path) {
    let mut last = Some(store);
    wait_until("all rows are sealed", || {
        let store = last.take();
        let store = store.unwrap_or_else(|| Store::open(config(root)).unwrap());
        store.shutdown();
        store.sizes().head_rows == 0
    });
}

/// Makes a sealed file of its own of each list of pushes of one hour. Each comes from another store: one that is opened
/// over several files of an hour that is over would merge them.
pub fn fill_apart(root: &Path, lists: Vec<Vec<Vec<u8>>>) -> Vec<PathBuf> {
    let fill_one = |(index, pushes): (usize, Vec<Vec<u8>>)| {
        let apart = tempfile::tempdir().unwrap();
        fill(apart.path(), pushes);
        let [file] = &sealed_files(apart.path())[..] else {
            panic!("one file");
        };
        let hour = file.parent().unwrap().file_name().unwrap();
        let number = index + 1;
        let hour = root.join("flows").join(hour);
        fs::create_dir_all(&hour).unwrap();
        let moved = hour.join(format!("{number:010}-{number:010}.parquet"));
        fs::copy(file, &moved).unwrap();
        moved
    };
    lists.into_iter().enumerate().map(fill_one).collect()
}
