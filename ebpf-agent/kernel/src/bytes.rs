//! Bounds-checked reads of a packet, whatever holds it.
//!
//! **Invariant:** a read is whole or it is `None`.

/// A type that any bytes make a valid value of, no stricter aligned than a word.
///
/// # Safety
/// Every bit pattern is valid, and there is no padding.
pub unsafe trait Plain: Copy {}

// SAFETY: integers and arrays of them.
unsafe impl Plain for u8 {}
// SAFETY: as above.
unsafe impl Plain for u16 {}
// SAFETY: as above.
unsafe impl Plain for u32 {}
// SAFETY: as above.
unsafe impl<const N: usize> Plain for [u8; N] {}
// SAFETY: as above.
unsafe impl<const N: usize> Plain for [u16; N] {}
// SAFETY: as above.
unsafe impl<const N: usize> Plain for [u32; N] {}

/// A packet that can be read from.
pub trait Bytes {
    /// The `T` at `offset`, in the packet's byte order.
    fn read<T: Plain>(&self, offset: usize) -> Option<T>;

    /// Ethertype of the first network header as the device reports it. Asked only where no Ethernet header is found.
    fn ethertype(&self) -> u16;
}

/// A packet in memory.
#[derive(Clone, Copy, Debug)]
pub struct Slice<'a> {
    pub bytes: &'a [u8],
    pub ethertype: u16,
}

impl Bytes for Slice<'_> {
    fn read<T: Plain>(&self, offset: usize) -> Option<T> {
        let bytes = self
            .bytes
            .get(offset..offset.checked_add(size_of::<T>())?)?;
        // SAFETY: `bytes` has exactly the size of `T`, any bits of which are valid.
        Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
    }

    fn ethertype(&self) -> u16 {
        self.ethertype
    }
}
