//! The pure parts of the kernel programs: packet parsers, which read through [`bytes::Bytes`], and the arithmetic of the
//! flow table and of the clock. So the host can test and fuzz the very code that runs in the kernel.
//!
//! Called by the programs of `main.rs` and by the agent's tests.
//!
//! **Invariant:** no access outside of what [`bytes::Bytes`] grants, and no loop without a constant bound.
#![no_std]

pub mod bytes;
pub mod index;
pub mod packet;
pub mod tick;
