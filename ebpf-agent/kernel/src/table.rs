//! The table of flows: an index of places, open addressing, over an array of entries that is filled from the start.
//!
//! The kernel's own hash map costs three calls a look-up, which is more than all the rest of a packet of a known flow;
//! here everything is inline. Nothing is ever removed: the agent empties a whole generation at once.
//!
//! A place is one word: 0, or the entry's number and 1 in as many bits as that takes, and above them as much of the key's
//! hash as there is room for. An entry is written whole before its place is claimed, so whoever finds it finds all of it,
//! and nobody waits for anybody. The index is kept small, since it is what the processor's cache misses most.
//!
//! **Invariant:** in one generation a key is in at most one entry that a place leads to. All who look for it try the
//! same places in the same order, and stop at the first that is free.

use core::ptr::{null_mut, read_volatile};

use netobserv_ebpf_abi::{FlowEntry, FlowKey, Generation, LINE_PLACES, TRIES, index_lines};
use netobserv_ebpf_kernel::index::Chain;

use crate::{
    atomic, globals,
    maps::{ACTIVE, ENTRIES, INDEX},
};

/// The active generation.
#[derive(Clone, Copy)]
pub struct Table {
    generation: *mut Generation,
    half: u32,
}

/// An entry and its number in the whole array.
#[derive(Clone, Copy)]
pub struct Entry {
    pub entry: *mut FlowEntry,
    pub number: u32,
}

impl Entry {
    pub const NONE: Self = Self {
        entry: null_mut(),
        number: 0,
    };
}

/// What became of an entry that was written to be a new flow's.
pub enum Published {
    /// It is the flow.
    New,
    /// Another processor was first with the same flow, which is there.
    Known(Entry),
    /// All the places that are tried are taken.
    Nowhere,
}

#[inline(always)]
fn chain_of(key: &FlowKey) -> Chain {
    Chain::new(
        key,
        globals::flows_max(),
        globals::number_bits(),
        globals::hash_number,
    )
}

impl Table {
    #[inline(always)]
    pub fn active() -> Option<Self> {
        let generation = ACTIVE.get(0)?.get_ptr_mut(0)?;
        // SAFETY: a map value, which only the agent writes, while no program can reach it.
        let half = unsafe { (*generation).half } as u32;
        Some(Self { generation, half })
    }

    /// Looks for a key.
    #[inline(always)]
    pub fn find(&self, key: &FlowKey) -> Option<Entry> {
        let chain = chain_of(key);
        // SAFETY: a map value; one word.
        let word = unsafe { read_volatile(self.place(&chain, 0)?) };
        if word == 0 {
            return None;
        }
        if let Some(entry) = self.entry_of(word, &chain) {
            return Some(entry);
        }
        let further = find_further(self, &chain);
        (!further.entry.is_null()).then_some(further)
    }

    /// An entry for the caller alone to write, if any is left.
    #[inline(always)]
    pub fn take(&self) -> Option<Entry> {
        let flows = u64::from(globals::flows_max());
        // SAFETY: a map value.
        let taken = unsafe {
            if (*self.generation).taken >= flows {
                return None;
            }
            atomic::next(&raw mut (*self.generation).taken)
        };
        if taken >= flows {
            return None;
        }
        let number = self.half * globals::flows_max() + taken as u32;
        let entry = ENTRIES.get_ptr_mut(number)?;
        Some(Entry { entry, number })
    }

    /// Lets others find an entry, which is written by now.
    #[inline(always)]
    pub fn publish(&self, new: &Entry, key: &FlowKey) -> Published {
        let chain = chain_of(key);
        let mine = chain.word(new.number - self.half * globals::flows_max());
        for step in 0..TRIES {
            let Some(place) = self.place(&chain, step) else {
                break;
            };
            // SAFETY: a map value.
            let word = unsafe { atomic::claim(place, mine) };
            if word == 0 {
                return Published::New;
            }
            if let Some(entry) = self.entry_of(word, &chain) {
                return Published::Known(entry);
            }
        }
        Published::Nowhere
    }

    #[inline(always)]
    fn place(&self, chain: &Chain, step: u32) -> Option<*mut u32> {
        let position = chain.place(step);
        let first_line = self.half * index_lines(globals::flows_max());
        let line = INDEX.get_ptr_mut(first_line + position / LINE_PLACES)?;
        // SAFETY: inside of the line.
        Some(unsafe { line.cast::<u32>().add((position % LINE_PLACES) as usize) })
    }

    /// The entry that a place leads to, if it is that of the chain's key.
    #[inline(always)]
    fn entry_of(&self, word: u32, chain: &Chain) -> Option<Entry> {
        let number = chain.number(word, globals::number_bits())?;
        let number = (self.half * globals::flows_max()).wrapping_add(number);
        let entry = ENTRIES.get_ptr_mut(number)?;
        // SAFETY: a map value, whose key was written before the place was claimed and does not change.
        let words = unsafe { (*entry).key.words() };
        // Comparing the arrays would be a call.
        let mut difference = 0;
        for (one, other) in words.iter().zip(&chain.words) {
            difference |= one ^ other;
        }
        (difference == 0).then_some(Entry { entry, number })
    }
}

/// Looks for a key after its first place. Few flows are there.
#[inline(never)]
fn find_further(table: &Table, chain: &Chain) -> Entry {
    for step in 1..TRIES {
        let Some(place) = table.place(chain, step) else {
            break;
        };
        // SAFETY: a map value; one word.
        let word = unsafe { read_volatile(place) };
        if word == 0 {
            break;
        }
        if let Some(entry) = table.entry_of(word, chain) {
            return entry;
        }
    }
    Entry::NONE
}
