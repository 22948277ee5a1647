//! Feeds a fuzz target every seed as it is, then many with random damage.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;

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
    /// Repeats a piece many times.
    Repeat(Index, Index, u8),
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
        any::<(Index, Index, u8)>().prop_map(|(from, to, times)| Damage::Repeat(from, to, times)),
        any::<(Index, Index, Index)>()
            .prop_map(|(at, other, from)| Damage::Splice(at, other, from)),
    ]
}

/// What damage makes of a seed is no longer than this.
const DAMAGED_BYTES_MAX: usize = 16 << 10;

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
        Damage::Repeat(one, other, times) => {
            let (from, to) = (at(one).min(at(other)), at(one).max(at(other)));
            let piece = bytes[from..to].repeat(usize::from(*times));
            bytes.splice(to..to, piece);
        }
        Damage::Splice(index, other, from) => {
            let other = other.get(seeds);
            bytes.truncate(at(index));
            bytes.extend(&other[from.index(other.len() + 1)..]);
        }
    }
    bytes.truncate(DAMAGED_BYTES_MAX);
}

/// `cases` are a few seconds, unoptimised, on two processors with other work.
pub fn run(target: &str, cases: u32, check: impl Fn(&[u8])) {
    let seeds = seeds(target);
    for seed in &seeds {
        check(seed);
    }
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
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
