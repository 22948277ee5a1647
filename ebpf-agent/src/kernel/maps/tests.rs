#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use super::*;

const BPF_MAP_TYPE_HASH: u32 = 1;

/// Whether the kernel lets us have maps; says why not.
pub fn is_privileged() -> bool {
    if nix::unistd::geteuid().is_root() {
        return true;
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "kernel maps need root in CI"
    );
    eprintln!("skipped: kernel maps need root");
    false
}

/// A hash map with `entries` of key and ten times the key.
fn filled(entries: u32) -> MapData {
    let definition = aya_obj::Map::new_from_params(BPF_MAP_TYPE_HASH, 4, 8, entries.max(1), 0);
    let map = MapData::create(definition, "test", None).unwrap();
    for key in 0..entries {
        write(&map, "test", key, u64::from(key) * 10).unwrap();
    }
    map
}

fn scanned(reader: &mut Reader<u32, u64>, map: &MapData) -> BTreeMap<u32, u64> {
    let mut found = BTreeMap::new();
    reader
        .scan(map, &mut |keys, values| {
            for (key, value) in keys.iter().zip(values) {
                assert_eq!(found.insert(*key, *value), None, "each entry once");
            }
        })
        .unwrap();
    found
}

#[test]
fn a_scan_shows_every_entry_and_leaves_it() {
    if !is_privileged() {
        return;
    }
    // Nothing, one, exactly one batch, and several that do not end evenly.
    for entries in [0, 1, BATCH_ENTRIES as u32, 5000] {
        let map = filled(entries);
        let expected: BTreeMap<_, _> = (0..entries).map(|key| (key, u64::from(key) * 10)).collect();
        let mut reader = Reader::new("test");
        assert_eq!(scanned(&mut reader, &map), expected);
        assert_eq!(scanned(&mut reader, &map), expected);
    }
}

#[test]
fn a_buffer_smaller_than_a_bucket_grows() {
    if !is_privileged() {
        return;
    }
    let mut reader = Reader::new("test");
    reader.keys.truncate(1);
    reader.values.truncate(1);
    assert_eq!(scanned(&mut reader, &filled(3000)).len(), 3000);
    assert!(reader.keys.len() > 1, "some bucket has two");
}

#[test]
fn removing_says_whether_the_entry_was_there() {
    if !is_privileged() {
        return;
    }
    let map = filled(2);
    assert!(remove(&map, &1_u32));
    assert!(!remove(&map, &1_u32));
    assert_eq!(scanned(&mut Reader::new("test"), &map).len(), 1);
}
