#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::kernel::maps::{BPF_MAP_TYPE_ARRAY, read, tests::is_privileged, write};

const BPF_F_MMAPABLE: u32 = 1 << 10;
/// An element of the tests' own.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(transparent)]
struct Number(u64);

// SAFETY: an integer of 8 bytes.
unsafe impl Element for Number {}

const ELEMENTS: usize = 3000;

fn map_numbers(map: &MapData, range: Range<usize>) -> io::Result<Mapping<Number>> {
    // SAFETY: the tests write to no map while they read it.
    unsafe { Mapping::new(map, range) }
}

/// An array of ten times the index.
fn array(flags: u32) -> MapData {
    let definition =
        aya_obj::Map::new_from_params(BPF_MAP_TYPE_ARRAY, 4, 8, ELEMENTS as u32, flags);
    let map = MapData::create(definition, "test", None).unwrap();
    for index in 0..ELEMENTS as u32 {
        write(&map, "test", index, u64::from(index) * 10).unwrap();
    }
    map
}

#[test]
fn a_range_is_mapped_wherever_it_starts() {
    if !is_privileged() {
        return;
    }
    let map = array(BPF_F_MMAPABLE);
    // From the start, on both sides of a page's end, and to the last element.
    for range in [0..1, 0..ELEMENTS, 511..513, 512..600, 700..2900, 2999..3000] {
        let mapping = map_numbers(&map, range.clone()).unwrap();
        let expected: Vec<_> = range.map(|index| Number(index as u64 * 10)).collect();
        assert_eq!(*mapping, *expected);
    }
}

#[test]
fn what_is_written_is_in_the_map_and_nothing_else_is() {
    if !is_privileged() {
        return;
    }
    let map = array(BPF_F_MMAPABLE);
    // SAFETY: nobody else has the map.
    unsafe { fill(&map, 600..700, Number(1)) }.unwrap();
    for (index, expected) in [(599, 5990), (600, 1), (699, 1), (700, 7000)] {
        assert_eq!(read::<u64>(&map, "test", index).unwrap(), expected);
    }
}

#[test]
fn a_range_past_the_end_and_a_map_that_is_no_memory_are_errors() {
    if !is_privileged() {
        return;
    }
    assert!(map_numbers(&array(BPF_F_MMAPABLE), 0..2 * ELEMENTS).is_err());
    assert!(map_numbers(&array(0), 0..1).is_err());
}

#[test]
fn values_of_another_size_are_an_error() {
    if !is_privileged() {
        return;
    }
    let map = array(BPF_F_MMAPABLE);
    // SAFETY: nobody else has the map.
    let entries = unsafe { Mapping::<FlowEntry>::new(&map, 0..1) };
    assert!(entries.is_err());
    // SAFETY: as above.
    assert!(unsafe { fill(&map, 0..1, IndexLine::default()) }.is_err());
}
