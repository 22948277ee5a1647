//! A short run of the fuzz targets: every seed as it is, then many with random damage.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../fuzz/targets.rs"]
mod targets;

use std::path::Path;

use netobserv_ebpf_agent::flow::dns_name;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;

/// Two to three seconds, unoptimised, on two processors with other work.
const CASES: u32 = 10_000;

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(target);
    let files = std::fs::read_dir(folder).unwrap();
    let seeds: Vec<_> = files
        .map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect();
    assert!(!seeds.is_empty());
    seeds
}

/// One change of a seed.
#[derive(Clone, Debug)]
enum Damage {
    Byte(Index, u8),
    Bit(Index, u8),
    Cut(Index),
    Insert(Index, Vec<u8>),
    /// Continues with the end of another seed.
    Splice(Index, Index, Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        any::<(Index, u8)>().prop_map(|(at, byte)| Damage::Byte(at, byte)),
        (any::<Index>(), 0_u8..8).prop_map(|(at, bit)| Damage::Bit(at, bit)),
        any::<Index>().prop_map(Damage::Cut),
        (any::<Index>(), prop::collection::vec(any::<u8>(), 1..20))
            .prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        any::<(Index, Index, Index)>()
            .prop_map(|(at, other, from)| Damage::Splice(at, other, from)),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage, seeds: &[Vec<u8>]) {
    let length = bytes.len();
    let at = |index: &Index| index.index(length + 1);
    match damage {
        Damage::Byte(index, byte) => {
            if let Some(place) = bytes.get_mut(at(index)) {
                *place = *byte;
            }
        }
        Damage::Bit(index, bit) => {
            if let Some(place) = bytes.get_mut(at(index)) {
                *place ^= 1 << bit;
            }
        }
        Damage::Cut(index) => bytes.truncate(at(index)),
        Damage::Insert(index, more) => {
            let at = at(index);
            bytes.splice(at..at, more.iter().copied());
        }
        Damage::Splice(index, other, from) => {
            let other = other.get(seeds);
            bytes.truncate(at(index));
            bytes.extend(&other[from.index(other.len() + 1)..]);
        }
    }
}

fn run(target: &str, check: impl Fn(&[u8])) {
    let seeds = seeds(target);
    for seed in &seeds {
        check(seed);
    }
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(CASES)
    };
    // Mapped to bytes, so that a failure shows them.
    let damaged =
        (any::<Index>(), prop::collection::vec(damage(), 1..6)).prop_map(|(seed, damages)| {
            let mut bytes = seed.get(&seeds).clone();
            for damage in &damages {
                apply(&mut bytes, damage, &seeds);
            }
            bytes
        });
    TestRunner::new(config)
        .run(&damaged, |bytes| {
            check(&bytes);
            Ok(())
        })
        .unwrap();
}

#[test]
fn any_frame_is_read_without_harm() {
    run("packet", targets::packet);
}

#[test]
fn any_dns_name_is_read_without_harm() {
    run("dns_name", |bytes| {
        targets::dns_name(dns_name::decode, bytes);
    });
}
