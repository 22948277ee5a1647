#![allow(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::interfaces::model::Netns;

fn interface(netns: u32, index: u32, mac: Mac, name: &str) -> Interface {
    let netns = Arc::new(Netns {
        id: NetnsId(netns),
        name: Arc::from(""),
        handle: None,
    });
    Interface {
        netns,
        index,
        name: Arc::from(name),
        mac,
    }
}

const ETH0: Mac = [0x0a, 0x58, 0x0a, 0x81, 0x02, 0x06];
const ENS5: Mac = [0x06, 0x62, 0x90, 0x15, 0xba, 0x83];

fn example() -> Arc<Names> {
    let names = Names::new(Preferences::parse("0a:58=eth0").unwrap());
    names.add(&interface(0, 2, ETH0, "eth0"));
    names.add(&interface(0, 2, ENS5, "ens5"));
    names.add(&interface(0, 10, [0; 6], "veth1"));
    names
}

#[test]
fn names_are_found_by_index_then_mac_then_preference() {
    let mut reader = NameReader::new(example());
    let cases: [(u32, Mac, &[&str]); 5] = [
        (10, [1, 2, 3, 4, 5, 6], &["veth1"]),
        (2, ENS5, &["ens5"]),
        (2, [0x0a, 0x58, 0x64, 0x58, 0x00, 0x07], &["eth0"]),
        (2, [0x02, 0x03, 0, 0, 0, 0], &["eth0", "ens5"]),
        (4_000_000, ETH0, &["unknown"]),
    ];
    for (index, mac, expected) in cases {
        let name = reader.name(NetnsId::OWN, index, mac);
        assert!(
            expected.contains(&name),
            "index {index}: {name} is none of {expected:?}"
        );
    }
}

#[test]
fn one_index_in_two_namespaces_has_two_names() {
    let names = example();
    names.add(&interface(7, 2, ETH0, "pod0"));
    let mut reader = NameReader::new(names);
    assert_eq!(reader.name(NetnsId(7), 2, ETH0), "pod0");
    assert_eq!(reader.name(NetnsId::OWN, 2, ETH0), "eth0");
    assert_eq!(reader.name(NetnsId(8), 2, ETH0), "unknown");
}

#[test]
fn a_name_goes_only_when_all_of_it_agrees_and_a_refresh_shows_it() {
    let names = example();
    names.remove(&interface(0, 10, [9; 6], "veth1"));
    names.remove(&interface(0, 10, [0; 6], "other"));
    let mut reader = NameReader::new(Arc::clone(&names));
    assert_eq!(reader.name(NetnsId::OWN, 10, [0; 6]), "veth1");
    names.remove(&interface(0, 10, [0; 6], "veth1"));
    assert_eq!(
        reader.name(NetnsId::OWN, 10, [0; 6]),
        "veth1",
        "the snapshot of this eviction"
    );
    reader.refresh();
    assert_ne!(reader.name(NetnsId::OWN, 10, [0; 6]), "veth1");
    assert_eq!(names.len(), 1);
}

#[test]
fn preferences_are_read_or_refused_with_the_place() {
    assert!(Preferences::parse("").is_ok());
    assert!(Preferences::parse("0a:58=eth0,06=ens5").is_ok());
    let cases = [
        ("0a:58", "bad format '0a:58'; expected 'mac_prefix=name'"),
        ("0g=eth0", "bad MAC prefix '0g'; expected hexadecimal bytes"),
        (
            "0a5=eth0",
            "bad MAC prefix '0a5'; expected hexadecimal bytes",
        ),
        ("=eth0", "empty MAC prefix in '=eth0'"),
        (
            "01:02:03:04:05:06:07=eth0",
            "MAC prefix too big '01:02:03:04:05:06:07'",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(Preferences::parse(text).unwrap_err(), expected);
    }
}
