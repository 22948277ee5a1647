//! Reads and writes single entries of kernel maps, and reads whole ones in batches.
//!
//! Called by [`super::Datapath`] and [`super::table`].
//!
//! **Invariant:** buffers have the sizes of the map they are for.
#![allow(unsafe_code, reason = "bpf(2) has no wrapper for batches")]

use std::{
    io,
    os::fd::{AsFd as _, AsRawFd as _},
};

use aya::{Pod, maps::MapData};

use super::Error;

const BPF_MAP_LOOKUP_ELEM: libc::c_long = 1;
const BPF_MAP_UPDATE_ELEM: libc::c_long = 2;
const BPF_MAP_DELETE_ELEM: libc::c_long = 3;
const BPF_MAP_LOOKUP_BATCH: libc::c_long = 24;

pub const BPF_MAP_TYPE_ARRAY: u32 = 2;

/// Entries per call: large enough that the call costs nothing per entry, small enough for the processor's cache.
const BATCH_ENTRIES: usize = 1024;

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

/// `union bpf_attr` for one entry.
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

/// Buffers for reading maps of one key and value type, kept between readings.
pub struct Reader<K, V> {
    name: &'static str,
    keys: Vec<K>,
    values: Vec<V>,
}

impl<K: Pod + Default, V: Pod + Default> Reader<K, V> {
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            keys: vec![K::default(); BATCH_ENTRIES],
            values: vec![V::default(); BATCH_ENTRIES],
        }
    }

    /// Shows every entry of a hash `map`.
    pub fn scan(&mut self, map: &MapData, visit: &mut dyn FnMut(&[K], &[V])) -> Result<(), Error> {
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
            let result = bpf(BPF_MAP_LOOKUP_BATCH, &mut attr);
            let errno = result.as_ref().err().and_then(io::Error::raw_os_error);
            match errno {
                // A bucket with more entries than the buffers hold: nothing was read.
                Some(libc::ENOSPC) => {
                    let longer = self.keys.len() * 2;
                    self.keys.resize(longer, self.keys[0]);
                    self.values.resize(longer, self.values[0]);
                    continue;
                }
                // ENOENT is the end, and comes with the last entries.
                None | Some(libc::ENOENT) => {
                    let count = attr.count as usize;
                    if count > 0 {
                        visit(&self.keys[..count], &self.values[..count]);
                    }
                }
                // The count is still the one asked for.
                _ => {}
            }
            match errno {
                None => {}
                Some(libc::ENOENT) => return Ok(()),
                Some(_) => {
                    return result.map_err(|cause| Error::MapCall {
                        call: "BPF_MAP_LOOKUP_BATCH",
                        map: self.name,
                        cause,
                    });
                }
            }
            position = next;
            is_first = false;
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

/// The value of a number in an array map.
pub fn read<V: Pod + Default>(
    map: &MapData,
    name: &'static str,
    mut index: u32,
) -> Result<V, Error> {
    let mut value = V::default();
    let (key, place) = ((&raw mut index) as u64, (&raw mut value) as u64);
    element(BPF_MAP_LOOKUP_ELEM, map, key, place).map_err(|cause| Error::MapCall {
        call: "BPF_MAP_LOOKUP_ELEM",
        map: name,
        cause,
    })?;
    Ok(value)
}

/// Sets the value of a number in an array map.
pub fn write<V: Pod>(
    map: &MapData,
    name: &'static str,
    mut index: u32,
    mut value: V,
) -> Result<(), Error> {
    let (key, place) = ((&raw mut index) as u64, (&raw mut value) as u64);
    element(BPF_MAP_UPDATE_ELEM, map, key, place).map_err(|cause| Error::MapCall {
        call: "BPF_MAP_UPDATE_ELEM",
        map: name,
        cause,
    })
}

/// Removes one entry; whether it was there.
pub fn remove<K: Pod>(map: &MapData, key: &K) -> bool {
    let mut key = *key;
    element(BPF_MAP_DELETE_ELEM, map, (&raw mut key) as u64, 0).is_ok()
}

#[cfg(test)]
pub mod tests;
