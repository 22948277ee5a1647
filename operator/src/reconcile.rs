//! One run: facts, desired objects, apply, prune, status. And the loop that asks for runs.
//!
//! **Invariant:** there is one key and one run at a time; no object is made here.

mod events;
mod queue;
mod run;

pub use queue::{Backoff, Queue};
pub use run::{Next, Reconciler, Settings};
