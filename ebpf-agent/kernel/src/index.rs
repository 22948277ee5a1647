//! Where a key may stand in the index of the flow table, and what a place says: the arithmetic of `table.rs`, apart from
//! its maps, so that the host can test how keys spread.
//!
//! Called by the flow table and by the agent's tests.
//!
//! **Invariant:** nothing but arithmetic; the same key has the same places for as long as the secret numbers are the same.

use netobserv_ebpf_abi::{FlowKey, HASH_NUMBERS, KEY_WORDS, index_starts};

/// Odd, with its bits well mixed: 2^64 divided by the golden ratio.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// The places where a key may be: from the first on.
pub struct Chain {
    pub words: [u64; KEY_WORDS],
    /// What a place of the key has above the number, with zeros for the number.
    tag: u32,
    first: u32,
}

impl Chain {
    /// Of a key in a table for `flows`, whose numbers take `number_bits`.
    #[inline(always)]
    pub fn new(key: &FlowKey, flows: u32, number_bits: u32, secret: impl Fn(usize) -> u64) -> Self {
        let words = key.words();
        let hash = hash(&words, secret);
        Self {
            words,
            // The upper bits of the hash are the position.
            tag: hash << number_bits,
            first: ((u64::from(hash) * u64::from(index_starts(flows))) >> 32) as u32,
        }
    }

    /// The place of a try.
    #[inline(always)]
    pub const fn place(&self, step: u32) -> u32 {
        self.first + step
    }

    /// What a place says that leads to this key's entry. Numbers count from 0, in one generation.
    #[inline(always)]
    pub const fn word(&self, number: u32) -> u32 {
        self.tag | (number + 1)
    }

    /// The number of the entry that a place leads to, if that may be this key's. The place is not free.
    #[inline(always)]
    pub const fn number(&self, word: u32, number_bits: u32) -> Option<u32> {
        // The number alone, where the rest is the same.
        let number = word ^ self.tag;
        if number >> number_bits != 0 {
            return None;
        }
        Some(number.wrapping_sub(1))
    }
}

/// Multilinear-HM (Lemire and Kaser, "Strongly universal string hashing is fast", 2014) with one more step: alone it keeps
/// equal distances between keys as equal distances between places, which then pile up. Nobody who does not know the secret
/// numbers can choose keys that meet.
#[inline(always)]
fn hash(words: &[u64; KEY_WORDS], secret: impl Fn(usize) -> u64) -> u32 {
    let mut sum = secret(HASH_NUMBERS - 1);
    for (index, word) in words.iter().enumerate() {
        let low = secret(2 * index).wrapping_add(*word & 0xffff_ffff);
        let high = secret(2 * index + 1).wrapping_add(*word >> 32);
        sum = sum.wrapping_add(low.wrapping_mul(high));
    }
    sum ^= sum >> 32;
    (sum.wrapping_mul(MIX) >> 32) as u32
}
