//! The tool for a folder of flows: list, verify, export.

use std::fs;
use std::path::Path;

use plugin_backend::store::query::TimeRange;
use plugin_backend::store::tool;

use crate::flows;
use crate::support::{HOUR_MS, T0, fill, sealed_files};

#[test]
fn the_tool_lists_verifies_and_exports() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), flows::hourly(1, T0, 3));
    let mut out = Vec::new();
    assert_eq!(tool::list(folder.path(), &mut out).unwrap().rows, 300);
    let list = String::from_utf8(out).unwrap();
    assert!(
        list.contains("2026-11-24T00/0000000001-0000000001.parquet"),
        "{list}"
    );
    let mut out = Vec::new();
    let range = TimeRange {
        start_ms: T0 + HOUR_MS,
        end_ms: T0 + 2 * HOUR_MS,
    };
    tool::export(folder.path(), range, &mut out, &mut std::io::sink()).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap().lines().count(),
        101,
        "a header and the rows of one hour"
    );
    let file = sealed_files(folder.path()).remove(0);
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..100]).unwrap();
    let mut out = Vec::new();
    assert_eq!(tool::verify(folder.path(), &mut out).unwrap().damaged, 1);
    assert!(String::from_utf8(out).unwrap().contains("is damaged"));
    let (mut out, mut told_of) = (Vec::new(), Vec::new());
    let exported = tool::export(folder.path(), TimeRange::ALL, &mut out, &mut told_of).unwrap();
    assert_eq!((exported.rows, exported.damaged), (200, 1));
    let lines = String::from_utf8(out).unwrap().lines().count();
    assert_eq!(lines, 201, "a damaged file costs only its own rows");
    let told_of = String::from_utf8(told_of).unwrap();
    assert!(
        told_of.starts_with("left out: ") && told_of.contains("is damaged"),
        "{told_of}"
    );
}

#[test]
fn the_tool_finds_the_store_and_says_what_it_does_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("flows");
    fs::create_dir(&store).unwrap();
    fill(&store, flows::hourly(1, T0, 3));
    let list = |path: &Path| tool::list(path, &mut std::io::sink());
    for path in [folder.path(), &store, &store.join("flows")] {
        assert_eq!(list(path).unwrap().rows, 300, "{}", path.display());
    }
    fs::write(store.join("wal/0000009999.wal"), "newest").unwrap();
    assert_eq!(list(folder.path()).unwrap().unsealed_bytes, 6);
    let elsewhere = list(&store.join("wal")).unwrap_err().to_string();
    assert!(elsewhere.starts_with("no store is in "), "{elsewhere}");
}
