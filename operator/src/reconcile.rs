//! One run: facts, desired objects, apply, prune, status. And the loop that asks for runs.
//!
//! **Invariant:** there is one key and one run at a time; no object is made here.

mod certificates;
mod events;
mod leftovers;
mod lokistack;
pub mod migration;
mod parts;
mod queue;
mod recordings;
mod references;
mod registration;
mod run;
mod static_plugin;
pub mod unreadable;

pub use parts::Parts;
pub use queue::{Backoff, Due, Queue};
pub use run::{Next, Reconciler, Settings};
