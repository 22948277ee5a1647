//! Packet parsers of the kernel programs. Pure: they read through [`bytes::Bytes`], so that the host can test and fuzz
//! the very code that runs in the kernel.
//!
//! Called by the programs of `main.rs` and by the agent's tests.
//!
//! **Invariant:** no access outside of what [`bytes::Bytes`] grants, and no loop without a constant bound.
#![no_std]

pub mod bytes;
pub mod packet;
