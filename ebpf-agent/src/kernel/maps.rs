//! Reads kernel maps in bulk, and the pairs of maps that make two generations.
//!
//! Called by [`super::Datapath`].
//!
//! **Invariant:** a generation is read only while no program can reach it: [`Generations::swap`] returns after every
//! program that saw the old one has ended. So what is read and deleted is complete.
#![allow(unsafe_code, reason = "bpf(2) has no wrapper for batches")]

use std::{
    io,
    os::fd::{AsFd as _, AsRawFd as _},
};

use aya::{
    Ebpf, Pod,
    maps::{ArrayOfMaps, MapData},
};

use super::Error;

const BPF_MAP_DELETE_ELEM: libc::c_long = 3;
const BPF_MAP_GET_NEXT_KEY: libc::c_long = 4;
const BPF_MAP_LOOKUP_ELEM: libc::c_long = 1;
const BPF_MAP_LOOKUP_BATCH: libc::c_long = 24;
const BPF_MAP_LOOKUP_AND_DELETE_BATCH: libc::c_long = 25;

const BPF_MAP_TYPE_HASH: u32 = 1;
pub const BPF_F_NO_PREALLOC: u32 = 1;

/// Entries per call: large enough that the call costs nothing per entry, small enough for the processor's cache.
const BATCH_ENTRIES: usize = 1024;

/// How this kernel lets a map be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadMode {
    /// Kernel 5.6 on.
    Batch,
    OneByOne,
}

/// `union bpf_attr` for batches.
#[repr(C)]
struct BatchAttr {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map_fd: u32,
    elem_flags: u64,
    flags: u64,
}

/// `union bpf_attr` for one entry. `value` is also "next key".
#[repr(C)]
struct ElemAttr {
    map_fd: u32,
    padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}

fn bpf<A>(command: libc::c_long, attr: &mut A) -> io::Result<()> {
    // SAFETY: `A` is one of the two layouts above, all of whose pointers are to live buffers of the sizes that the map
    // has, held by the callers in this file.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            std::ptr::from_mut(attr),
            size_of::<A>(),
        )
    };
    if answer == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Whether entries stay.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Take {
    Delete,
    Keep,
}

/// Buffers for reading maps of one key and value type, kept between evictions.
pub struct Reader<K, V> {
    name: &'static str,
    mode: ReadMode,
    keys: Vec<K>,
    values: Vec<V>,
}

impl<K: Pod + Default, V: Pod> Reader<K, V> {
    /// `empty` fills the buffers.
    pub fn new(name: &'static str, mode: ReadMode, empty: V) -> Self {
        Self {
            name,
            mode,
            keys: vec![K::default(); BATCH_ENTRIES],
            values: vec![empty; BATCH_ENTRIES],
        }
    }

    pub fn mode(&self) -> ReadMode {
        self.mode
    }

    /// Moves every entry out of `map`; an error leaves what was not read in place.
    pub fn drain(&mut self, map: &MapData, visit: &mut dyn FnMut(&[K], &[V])) -> Result<(), Error> {
        match self.mode {
            ReadMode::Batch => self.batches(map, Take::Delete, visit),
            ReadMode::OneByOne => self.one_by_one(map, visit),
        }
    }

    /// Shows every entry of `map`.
    pub fn scan(&mut self, map: &MapData, visit: &mut dyn FnMut(&[K], &[V])) -> Result<(), Error> {
        self.batches(map, Take::Keep, visit)
    }

    fn batches(
        &mut self,
        map: &MapData,
        take: Take,
        visit: &mut dyn FnMut(&[K], &[V]),
    ) -> Result<(), Error> {
        let (command, call) = match take {
            Take::Delete => (
                BPF_MAP_LOOKUP_AND_DELETE_BATCH,
                "BPF_MAP_LOOKUP_AND_DELETE_BATCH",
            ),
            Take::Keep => (BPF_MAP_LOOKUP_BATCH, "BPF_MAP_LOOKUP_BATCH"),
        };
        // A bucket number, which the kernel gives back to go on from.
        let (mut position, mut next) = (0_u32, 0_u32);
        let mut is_first = true;
        loop {
            let mut attr = BatchAttr {
                in_batch: if is_first {
                    0
                } else {
                    (&raw mut position) as u64
                },
                out_batch: (&raw mut next) as u64,
                keys: self.keys.as_mut_ptr() as u64,
                values: self.values.as_mut_ptr() as u64,
                count: self.keys.len() as u32,
                map_fd: descriptor(map),
                elem_flags: 0,
                flags: 0,
            };
            let result = bpf(command, &mut attr);
            let errno = result.as_ref().err().and_then(io::Error::raw_os_error);
            match errno {
                // A bucket with more entries than the buffers hold: nothing was moved.
                Some(libc::ENOSPC) => {
                    let longer = self.keys.len() * 2;
                    self.keys.resize(longer, self.keys[0]);
                    self.values.resize(longer, self.values[0]);
                    continue;
                }
                // ENOENT is the end, and comes with the last entries; ENOMEM comes with those moved until then.
                None | Some(libc::ENOENT | libc::ENOMEM) => {
                    let count = attr.count as usize;
                    if count > 0 {
                        visit(&self.keys[..count], &self.values[..count]);
                    }
                }
                // Of what came before nothing was moved, and the count is still the one asked for.
                _ => {}
            }
            match errno {
                None => {}
                Some(libc::ENOENT) => return Ok(()),
                Some(_) => {
                    return result.map_err(|source| Error::MapCall {
                        call,
                        map: self.name,
                        source,
                    });
                }
            }
            position = next;
            is_first = false;
        }
    }

    /// For kernels without batches: four calls an entry.
    fn one_by_one(
        &mut self,
        map: &MapData,
        visit: &mut dyn FnMut(&[K], &[V]),
    ) -> Result<(), Error> {
        let name = self.name;
        let failed = |call| {
            move |source| Error::MapCall {
                call,
                map: name,
                source,
            }
        };
        loop {
            let mut key = self.keys[0];
            let mut value = self.values[0];
            // Without a key to start from: always the first one, since each is deleted below.
            match element(BPF_MAP_GET_NEXT_KEY, map, 0, (&raw mut key) as u64) {
                Ok(()) => {}
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return Ok(()),
                Err(error) => return Err(failed("BPF_MAP_GET_NEXT_KEY")(error)),
            }
            element(
                BPF_MAP_LOOKUP_ELEM,
                map,
                (&raw mut key) as u64,
                (&raw mut value) as u64,
            )
            .map_err(failed("BPF_MAP_LOOKUP_ELEM"))?;
            element(BPF_MAP_DELETE_ELEM, map, (&raw mut key) as u64, 0)
                .map_err(failed("BPF_MAP_DELETE_ELEM"))?;
            visit(&[key], &[value]);
        }
    }
}

fn element(command: libc::c_long, map: &MapData, key: u64, value: u64) -> io::Result<()> {
    let mut attr = ElemAttr {
        map_fd: descriptor(map),
        padding: 0,
        key,
        value,
        flags: 0,
    };
    bpf(command, &mut attr)
}

fn descriptor(map: &MapData) -> u32 {
    // A descriptor is never negative.
    map.fd().as_fd().as_raw_fd() as u32
}

/// Removes one entry; whether it was there.
pub fn remove<K: Pod>(map: &MapData, key: &K) -> bool {
    let mut key = *key;
    element(BPF_MAP_DELETE_ELEM, map, (&raw mut key) as u64, 0).is_ok()
}

/// Two maps, one of which the programs write to.
pub struct Generations {
    name: &'static str,
    slot: &'static str,
    maps: [MapData; 2],
    active: usize,
}

impl Generations {
    /// Makes both maps, of `max_entries` each, and lets the programs have the first through the map `slot`.
    pub fn new<K, V>(
        ebpf: &mut Ebpf,
        name: &'static str,
        slot: &'static str,
        max_entries: u32,
        flags: u32,
    ) -> Result<Self, Error> {
        let create = |name: String| {
            let definition = aya_obj::Map::new_from_params(
                BPF_MAP_TYPE_HASH,
                size_of::<K>() as u32,
                size_of::<V>() as u32,
                max_entries,
                flags,
            );
            MapData::create(definition, &name, None)
        };
        let failed = |source| Error::Map { name, source };
        let mut generations = Self {
            name,
            slot,
            maps: [
                create(format!("{name}_0")).map_err(failed)?,
                create(format!("{name}_1")).map_err(failed)?,
            ],
            active: 0,
        };
        generations.publish(ebpf, 0)?;
        Ok(generations)
    }

    fn publish(&mut self, ebpf: &mut Ebpf, index: usize) -> Result<(), Error> {
        let slot = ebpf.map_mut(self.slot).ok_or(Error::NoMap(self.slot))?;
        ArrayOfMaps::<_, MapData>::try_from(slot)
            .and_then(|mut slot| slot.set(0, &self.maps[index], 0))
            .map_err(|source| Error::Map {
                name: self.name,
                source,
            })?;
        self.active = index;
        Ok(())
    }

    /// Gives the programs the other map and returns when none can reach the one they had, which is then [`Self::idle`].
    ///
    /// The kernel waits for them inside of the update of the slot (`maybe_wait_bpf_programs`).
    pub fn swap(&mut self, ebpf: &mut Ebpf) -> Result<(), Error> {
        self.publish(ebpf, 1 - self.active)
    }

    /// The map that no program reaches.
    pub fn idle(&self) -> &MapData {
        &self.maps[1 - self.active]
    }
}

/// Whether the kernel reads in batches, tried on an empty map.
pub fn probe_mode<K: Pod + Default, V: Pod>(map: &MapData, empty: V) -> ReadMode {
    let mut reader = Reader::<K, V>::new("probe", ReadMode::Batch, empty);
    match reader.drain(map, &mut |_, _| {}) {
        Ok(()) => ReadMode::Batch,
        Err(_) => ReadMode::OneByOne,
    }
}

#[cfg(test)]
mod tests;
