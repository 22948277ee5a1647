//! Flows as user space handles them: names of DNS questions, times, and the wire form of a record. Pure.
//!
//! Called by eviction for every flow.
//!
//! **Invariant:** no system call, no clock, and no allocation per flow.

mod clock;
pub mod dns_name;
mod encode;
mod wire;

pub use clock::Clock;
pub use encode::{EncodedBatch, Encoder, Names, RECORD_LENGTH_MAX, Record};
