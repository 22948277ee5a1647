//! `write/none` and `encode/none`: the end of a branch whose records nobody wants, for tests and benchmarks.
//!
//! **Invariant:** keeps nothing.

use std::time::Instant;

use crate::model::Batch;
use crate::stage::Terminal;

/// The stage.
pub struct WriteNone;

impl Terminal for WriteNone {
    fn write(&mut self, _: &Batch) {}

    fn finish(self: Box<Self>, _: Instant) {}
}
