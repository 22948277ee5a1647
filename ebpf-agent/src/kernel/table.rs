//! The flow table as user space sees it: which generation the programs have, and the reading of the other one.
//!
//! Called by [`super::Datapath`]. How the table is built stands in `kernel/src/table.rs`.
//!
//! **Invariant:** a generation is read only while no program can reach it: [`FlowTable::swap`] returns after every program
//! that saw the old one has ended. So what is read is complete. One that could not be read to its end is not given back to
//! the programs before the rest is read, so no flow is lost or shown twice.
#![allow(unsafe_code, reason = "only this module knows when nobody writes")]

use std::{
    hash::{BuildHasher as _, RandomState},
    ops::Range,
};

use aya::{
    Ebpf, EbpfLoader,
    maps::{ArrayOfMaps, Map, MapData},
};

use super::{
    Error,
    abi::{DnsValue, FlowEntry, Generation, HASH_NUMBERS, IndexLine, index_lines, number_bits},
    mapping::{self, Mapping},
    maps::{BPF_MAP_TYPE_ARRAY, read, write},
};

/// Flows that are mapped at once: 3 MB of entries and 1.8 MB of DNS data, which count as the process's own meanwhile.
const WINDOW_FLOWS: usize = 16_384;
/// Lines of the index that are mapped at once: 4 MB.
const WINDOW_LINES: usize = 65_536;

const ACTIVE: &str = "ACTIVE";
const INDEX: &str = "INDEX";
const ENTRIES: &str = "ENTRIES";
const DNS: &str = "DNS";
/// The maps that all instances of the programs have in common.
pub const SHARED: [&str; 4] = [ACTIVE, INDEX, ENTRIES, DNS];

/// What the programs are told of the table when they are loaded.
pub struct TableSettings {
    flows_max: u32,
    number_bits: u32,
    has_dns: bool,
    hash_numbers: [u64; HASH_NUMBERS],
}

impl TableSettings {
    /// Of a table for `flows_max` flows in each generation, with a hash of its own.
    pub fn new(flows_max: u32, has_dns: bool) -> Self {
        // The standard library's hasher has its key from the system.
        let random = RandomState::new();
        Self {
            flows_max,
            number_bits: number_bits(flows_max),
            has_dns,
            hash_numbers: std::array::from_fn(|index| random.hash_one(index)),
        }
    }

    /// Sets what the object's programs and maps need. What is too large for the kernel is refused by it at loading.
    pub fn apply<'a>(&'a self, loader: &mut EbpfLoader<'a>) {
        let both = self.flows_max.saturating_mul(2);
        loader
            .override_global("flows_max_per_generation", &self.flows_max, true)
            .override_global("entry_number_bits", &self.number_bits, true)
            .override_global("hash_numbers", &self.hash_numbers, true)
            .map_max_entries(INDEX, index_lines(self.flows_max).saturating_mul(2))
            .map_max_entries(ENTRIES, both)
            .map_max_entries(DNS, if self.has_dns { both } else { 1 });
    }
}

/// Both generations.
pub struct FlowTable {
    flows_max: usize,
    has_dns: bool,
    /// The state of each, one of which the programs have.
    generations: [MapData; 2],
    active: usize,
    /// Of the other: how many entries have been shown; `None` if it is empty again.
    shown: Option<usize>,
}

impl FlowTable {
    /// Gives the programs the first generation, if this kernel lets the table be read.
    pub fn new(ebpf: &mut Ebpf, settings: &TableSettings) -> Result<Self, Error> {
        let create = |half| {
            let size = size_of::<Generation>() as u32;
            let definition = aya_obj::Map::new_from_params(BPF_MAP_TYPE_ARRAY, 4, size, 1, 0);
            let map = MapData::create(definition, "generation", None).map_err(|cause| {
                let name = "generation";
                Error::Map { name, cause }
            })?;
            write(&map, "generation", 0, Generation::empty(half))?;
            Ok::<_, Error>(map)
        };
        let mut table = Self {
            flows_max: settings.flows_max as usize,
            has_dns: settings.has_dns,
            generations: [create(0)?, create(1)?],
            active: 0,
            shown: None,
        };
        // SAFETY: nothing is attached.
        unsafe { clear_index(ebpf, 0..1) }?;
        // SAFETY: as above.
        unsafe { map_flows(ebpf, 0..1, table.has_dns) }?;
        table.publish(ebpf, 0)?;
        Ok(table)
    }

    fn publish(&mut self, ebpf: &mut Ebpf, generation: usize) -> Result<(), Error> {
        let slot = ebpf.map_mut(ACTIVE).ok_or(Error::NoMap(ACTIVE))?;
        ArrayOfMaps::<_, MapData>::try_from(slot)
            .and_then(|mut slot| slot.set(0, &self.generations[generation], 0))
            .map_err(|cause| Error::Map {
                name: ACTIVE,
                cause,
            })?;
        self.active = generation;
        Ok(())
    }

    /// Gives the programs the other generation and returns when none can reach the one they had. Does nothing if the other
    /// has not been read to its end.
    ///
    /// The kernel waits for them inside of the update of the slot (`maybe_wait_bpf_programs`).
    pub fn swap(&mut self, ebpf: &mut Ebpf) -> Result<(), Error> {
        if self.shown.is_none() {
            self.publish(ebpf, 1 - self.active)?;
            self.shown = Some(0);
        }
        Ok(())
    }

    /// Flows that have not been shown, in both generations; also those that two processors began at once and one gave up.
    pub fn left(&self) -> Result<u64, Error> {
        let mut left = self.taken(self.active)?;
        if let Some(shown) = self.shown {
            left += self.taken(1 - self.active)?.saturating_sub(shown);
        }
        Ok(left as u64)
    }

    /// Entries in use of one generation.
    fn taken(&self, half: usize) -> Result<usize, Error> {
        let Generation { taken, .. } = read(&self.generations[half], "generation", 0)?;
        // It also counts those that there was no room for.
        Ok(usize::try_from(taken).map_or(self.flows_max, |taken| taken.min(self.flows_max)))
    }

    /// Shows every flow of the generation that no program reaches, with its DNS data, and empties it. After an error the
    /// next call goes on with the flows that have not been shown.
    pub fn drain(
        &mut self,
        ebpf: &Ebpf,
        visit: &mut dyn FnMut(&FlowEntry, Option<&DnsValue>),
    ) -> Result<(), Error> {
        let half = 1 - self.active;
        let Some(mut shown) = self.shown else {
            return Ok(());
        };
        let taken = self.taken(half)?;
        let first = half * self.flows_max;
        while shown < taken {
            let window = shown..taken.min(shown + WINDOW_FLOWS);
            shown = window.end;
            // SAFETY: no program reaches this generation (invariant of this module).
            unsafe { map_flows(ebpf, first + window.start..first + window.end, self.has_dns) }?
                .show(visit);
            self.shown = Some(shown);
        }
        if taken > 0 {
            let lines = index_lines(self.flows_max as u32) as usize;
            for start in (0..lines).step_by(WINDOW_LINES) {
                let window = start..lines.min(start + WINDOW_LINES);
                // SAFETY: as above.
                unsafe {
                    clear_index(ebpf, half * lines + window.start..half * lines + window.end)
                }?;
            }
            let empty = Generation::empty(half as u64);
            write(&self.generations[half], "generation", 0, empty)?;
        }
        self.shown = None;
        Ok(())
    }
}

/// Some flows of a generation.
struct Flows {
    entries: Mapping<FlowEntry>,
    dns: Option<Mapping<DnsValue>>,
}

impl Flows {
    fn show(&self, visit: &mut dyn FnMut(&FlowEntry, Option<&DnsValue>)) {
        for (number, entry) in self.entries.iter().enumerate() {
            if entry.value.packets != 0 {
                let dns = self.dns.as_ref().filter(|_| entry.has_dns != 0);
                visit(entry, dns.map(|dns| &dns[number]));
            }
        }
    }
}

/// # Safety
/// No program reaches the generation that `range` is in before what is returned is dropped.
unsafe fn map_flows(ebpf: &Ebpf, range: Range<usize>, has_dns: bool) -> Result<Flows, Error> {
    // SAFETY: the caller's promise.
    let entries = unsafe { Mapping::new(array(ebpf, ENTRIES)?, range.clone()) }
        .map_err(|cause| map_error(ENTRIES, cause))?;
    let dns = if has_dns {
        // SAFETY: as above.
        let dns = unsafe { Mapping::new(array(ebpf, DNS)?, range) };
        Some(dns.map_err(|cause| map_error(DNS, cause))?)
    } else {
        None
    };
    Ok(Flows { entries, dns })
}

/// Makes places free.
///
/// # Safety
/// No program reaches the generation that `range` is in.
unsafe fn clear_index(ebpf: &Ebpf, range: Range<usize>) -> Result<(), Error> {
    // SAFETY: the caller's promise.
    unsafe { mapping::fill(array(ebpf, INDEX)?, range, IndexLine::default()) }
        .map_err(|cause| map_error(INDEX, cause))
}

/// One of the object's arrays.
fn array<'a>(ebpf: &'a Ebpf, name: &'static str) -> Result<&'a MapData, Error> {
    match ebpf.map(name) {
        Some(Map::Array(map)) => Ok(map),
        _ => Err(Error::NoMap(name)),
    }
}

fn map_error(map: &'static str, cause: std::io::Error) -> Error {
    let call = "mmap";
    Error::MapCall { call, map, cause }
}
