//! Parts of an array map as memory: to read, and to fill with one value.
//!
//! Called by [`super::table`]. A mapping is made for one reading and gone after it, so that the pages, which the kernel
//! has anyway, are not taken for this process's own.
//!
//! **Invariant:** every bit pattern is a valid [`Element`], whoever wrote it, and elements lie where the map has its own.
#![allow(unsafe_code, reason = "mapped memory")]

use std::{
    io,
    ops::{Deref, Range},
    os::fd::{AsFd as _, AsRawFd as _},
    ptr::NonNull,
};

use aya::maps::MapData;

use super::abi::{DnsValue, FlowEntry, IndexLine};

/// What arrays hold.
///
/// # Safety
/// Any bits are valid, and the size is a multiple of 8, as the distance between elements is.
pub unsafe trait Element: Copy {}

// SAFETY: integers.
unsafe impl Element for IndexLine {}
// SAFETY: integers only; its size is asserted where it is defined.
unsafe impl Element for FlowEntry {}
// SAFETY: as above.
unsafe impl Element for DnsValue {}

/// Elements of an array map that has `BPF_F_MMAPABLE`.
pub struct Mapping<T: Element>(Mapped<T>);

impl<T: Element> Mapping<T> {
    /// Maps a range of elements, which is not empty. A map whose values have another size than `T` is an error.
    ///
    /// # Safety
    /// Nobody, no program either, writes to the elements before this is dropped.
    pub unsafe fn new(map: &MapData, range: Range<usize>) -> io::Result<Self> {
        Mapped::new(map, range, libc::PROT_READ).map(Self)
    }
}

impl<T: Element> Deref for Mapping<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: mapped as long as `self` lives, aligned since pages and elements are, valid by `Element`, and not
        // written meanwhile, as the caller of `new` has promised.
        unsafe { self.0.elements.as_ref() }
    }
}

/// Sets every element of a range, which is not empty. A map whose values have another size than `T` is an error.
///
/// # Safety
/// Nobody, no program either, reads or writes the elements meanwhile.
pub unsafe fn fill<T: Element>(map: &MapData, range: Range<usize>, value: T) -> io::Result<()> {
    let mut mapped = Mapped::new(map, range, libc::PROT_READ | libc::PROT_WRITE)?;
    // SAFETY: mapped, aligned and valid as above, and the caller's alone.
    unsafe { mapped.elements.as_mut() }.fill(value);
    Ok(())
}

struct Mapped<T> {
    elements: NonNull<[T]>,
    /// What was mapped: whole pages.
    pages: (*mut libc::c_void, usize),
}

impl<T: Element> Mapped<T> {
    fn new(map: &MapData, range: Range<usize>, access: libc::c_int) -> io::Result<Self> {
        let values = map.info().map_err(io::Error::other)?;
        if values.value_size() as usize != size_of::<T>() {
            return Err(io::Error::other("the map's values have another size"));
        }
        let page = page_size()?;
        let (start, end) = (range.start * size_of::<T>(), range.end * size_of::<T>());
        let first_page = start / page * page;
        let length = end - first_page;
        // SAFETY: a new mapping, wherever the kernel wants it.
        let pages = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                access,
                libc::MAP_SHARED,
                map.fd().as_fd().as_raw_fd(),
                first_page as libc::off_t,
            )
        };
        if pages == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: inside of what was just mapped.
        let elements = unsafe { pages.byte_add(start - first_page) };
        let elements = NonNull::slice_from_raw_parts(
            NonNull::new(elements.cast::<T>()).ok_or(io::ErrorKind::AddrNotAvailable)?,
            range.len(),
        );
        Ok(Self {
            elements,
            pages: (pages, length),
        })
    }
}

impl<T> Drop for Mapped<T> {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`, and nobody has a reference any more.
        unsafe { libc::munmap(self.pages.0, self.pages.1) };
    }
}

fn page_size() -> io::Result<usize> {
    // SAFETY: takes no pointer.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests;
