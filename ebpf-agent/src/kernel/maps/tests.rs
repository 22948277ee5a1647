#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use super::*;

const BPF_MAP_UPDATE_ELEM: libc::c_long = 2;

/// A hash map with `entries` of key and ten times the key; `None` where the kernel lets only root have one.
fn filled(entries: u32) -> Option<MapData> {
    if !nix::unistd::geteuid().is_root() {
        assert!(
            std::env::var_os("CI").is_none(),
            "kernel maps need root in CI"
        );
        eprintln!("skipped: kernel maps need root");
        return None;
    }
    let definition = aya_obj::Map::new_from_params(BPF_MAP_TYPE_HASH, 4, 8, entries.max(1), 0);
    let map = MapData::create(definition, "test", None).unwrap();
    for mut key in 0..entries {
        let mut value = u64::from(key) * 10;
        let (key, value) = ((&raw mut key) as u64, (&raw mut value) as u64);
        element(BPF_MAP_UPDATE_ELEM, &map, key, value).unwrap();
    }
    Some(map)
}

fn read(map: &MapData, mode: ReadMode) -> BTreeMap<u32, u64> {
    let mut found = BTreeMap::new();
    Reader::<u32, u64>::new("test", mode, 0)
        .drain(map, &mut |keys, values| {
            for (key, value) in keys.iter().zip(values) {
                assert_eq!(found.insert(*key, *value), None, "each entry once");
            }
        })
        .unwrap();
    found
}

#[test]
fn both_ways_of_reading_take_every_entry_out() {
    for mode in [ReadMode::Batch, ReadMode::OneByOne] {
        // Nothing, one, exactly one batch, and several that do not end evenly.
        for entries in [0, 1, BATCH_ENTRIES as u32, 5000] {
            let Some(map) = filled(entries) else { return };
            let expected = (0..entries).map(|key| (key, u64::from(key) * 10)).collect();
            assert_eq!(read(&map, mode), expected, "{mode:?}");
            assert!(read(&map, mode).is_empty(), "{mode:?}");
        }
    }
}

#[test]
fn scanning_leaves_every_entry() {
    let Some(map) = filled(3000) else { return };
    let mut count = 0;
    let mut reader = Reader::<u32, u64>::new("test", ReadMode::Batch, 0);
    reader
        .scan(&map, &mut |keys, _| count += keys.len())
        .unwrap();
    assert_eq!(count, 3000);
    assert_eq!(read(&map, ReadMode::Batch).len(), 3000);
}

#[test]
fn a_buffer_smaller_than_a_bucket_grows() {
    let Some(map) = filled(3000) else { return };
    let mut reader = Reader::<u32, u64>::new("test", ReadMode::Batch, 0);
    reader.keys.truncate(1);
    reader.values.truncate(1);
    let mut count = 0;
    reader
        .drain(&map, &mut |keys, _| count += keys.len())
        .unwrap();
    assert_eq!(count, 3000);
    assert!(reader.keys.len() > 1, "some bucket has two");
}

#[test]
fn removing_says_whether_the_entry_was_there() {
    let Some(map) = filled(2) else { return };
    assert!(remove(&map, &1_u32));
    assert!(!remove(&map, &1_u32));
    assert_eq!(read(&map, ReadMode::Batch).len(), 1);
}

#[test]
fn this_kernel_is_read_in_batches() {
    let Some(map) = filled(0) else { return };
    // Every kernel that we test on has them; a wrong structure would go unseen as "not supported".
    assert_eq!(probe_mode::<u32, u64>(&map, 0), ReadMode::Batch);
}
