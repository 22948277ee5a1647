#![allow(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::interfaces::model::Netns;

fn interface(netns: u32, index: u32, name: &str) -> Interface {
    let netns = Arc::new(Netns {
        id: NetnsId(netns),
        name: Arc::from(""),
        handle: None,
    });
    Interface {
        netns,
        index,
        name: Arc::from(name),
        mac: [0; 6],
        has_ethernet: true,
    }
}

/// Of an interface that the system does not have.
const INDEX: u32 = 4_000_000;

#[test]
fn one_index_in_two_namespaces_has_two_names() {
    let names = Arc::<Names>::default();
    names.add(&interface(0, INDEX, "eth0"));
    names.add(&interface(7, INDEX, "pod0"));
    let mut reader = NameReader::new(names);
    reader.refresh();
    assert_eq!(reader.name(NetnsId(7), INDEX), "pod0");
    assert_eq!(reader.name(NetnsId::OWN, INDEX), "eth0");
    assert_eq!(reader.name(NetnsId(8), INDEX), UNKNOWN);
}

#[test]
fn the_newest_name_of_an_interface_counts_and_a_removal_of_another_does_not() {
    let names = Arc::<Names>::default();
    names.add(&interface(0, INDEX, "veth1"));
    names.remove(&interface(0, INDEX, "other"));
    let mut reader = NameReader::new(Arc::clone(&names));
    for name in ["veth1", "eth0"] {
        names.add(&interface(0, INDEX, name));
        reader.refresh();
        assert_eq!(reader.name(NetnsId::OWN, INDEX), name);
    }
    assert_eq!(names.len(), 1);
}

#[test]
fn the_name_of_an_interface_that_is_gone_is_known_in_the_eviction_of_its_last_flows() {
    let names = Arc::<Names>::default();
    names.add(&interface(0, INDEX, "veth1"));
    let mut reader = NameReader::new(Arc::clone(&names));
    reader.refresh();
    names.remove(&interface(0, INDEX, "veth1"));
    assert_eq!(names.len(), 0);
    reader.refresh();
    assert_eq!(reader.name(NetnsId::OWN, INDEX), "veth1");
    reader.refresh();
    assert_eq!(reader.name(NetnsId::OWN, INDEX), UNKNOWN);
    // Its index may come again before it is forgotten.
    names.add(&interface(0, INDEX, "veth2"));
    names.remove(&interface(0, INDEX, "veth2"));
    names.add(&interface(0, INDEX, "veth3"));
    for _ in 0..3 {
        reader.refresh();
        assert_eq!(reader.name(NetnsId::OWN, INDEX), "veth3");
    }
}
