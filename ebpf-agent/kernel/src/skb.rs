//! The packet of a traffic-control hook as [`Bytes`]: directly, or copied piece by piece where a header lies outside of
//! the socket buffer's linear part.
//!
//! **Invariant:** nothing here changes the packet; `bpf_skb_pull_data` would.

use core::ffi::c_void;

use aya_ebpf::{EbpfContext as _, helpers::generated::bpf_skb_load_bytes, programs::TcContext};
use netobserv_ebpf_kernel::bytes::{Bytes, Plain};

/// No header that is read directly starts later.
const LINEAR_OFFSET_MAX: usize = 255;

/// The linear part.
pub struct Linear {
    start: usize,
    end: usize,
}

impl Linear {
    #[inline(always)]
    pub fn new(ctx: &TcContext) -> Self {
        Self {
            start: ctx.data(),
            end: ctx.data_end(),
        }
    }
}

impl Bytes for Linear {
    #[inline(always)]
    fn read<T: Plain>(&self, offset: usize) -> Option<T> {
        // Tells the verifier, of an offset that comes from the packet, that it is small.
        if offset > LINEAR_OFFSET_MAX {
            return None;
        }
        let place = self.start + offset;
        if place + size_of::<T>() > self.end {
            return None;
        }
        // SAFETY: inside of the packet, as just compared. The kernel's architectures read unaligned words.
        Some(unsafe { *(place as *const T) })
    }

    /// Not asked for usual frames.
    #[inline(always)]
    fn ethertype(&self) -> u16 {
        0
    }
}

/// The whole packet, at the price of a helper call per read.
pub struct Copied<'a>(pub &'a TcContext);

impl Copied<'_> {
    /// Copies as much as there is from `offset` into `target`, which is not empty, and returns how much that was.
    #[inline(always)]
    pub fn fill(&self, offset: usize, target: &mut [u8]) -> usize {
        let available = (self.0.len() as usize).wrapping_sub(offset);
        let length = if available > target.len() {
            // Also when the offset is past the end, which the helper then refuses.
            target.len()
        } else {
            available
        };
        if length == 0 || self.load(offset, target.as_mut_ptr().cast(), length) != 0 {
            return 0;
        }
        length
    }

    #[inline(always)]
    fn load(&self, offset: usize, target: *mut c_void, length: usize) -> i64 {
        // SAFETY: the context is the hook's own, and `target` has room for `length` bytes by both callers.
        unsafe { bpf_skb_load_bytes(self.0.as_ptr(), offset as u32, target, length as u32) }
    }
}

impl Bytes for Copied<'_> {
    #[inline(always)]
    fn read<T: Plain>(&self, offset: usize) -> Option<T> {
        let mut value = core::mem::MaybeUninit::<T>::uninit();
        if self.load(offset, value.as_mut_ptr().cast(), size_of::<T>()) != 0 {
            return None;
        }
        // SAFETY: written by the helper; any bits are a valid `T`.
        Some(unsafe { value.assume_init() })
    }

    #[inline(always)]
    fn ethertype(&self) -> u16 {
        u16::from_be(self.0.skb.protocol() as u16)
    }
}
