//! One run: facts, desired objects, apply, prune, status. And the loop that asks for runs.
//!
//! **Invariant:** there is one key and one run at a time; no object is made here.

mod certificates;
mod contest;
mod events;
mod leftovers;
mod lokistack;
pub mod migration;
mod next;
mod parts;
mod pods;
mod queue;
mod recordings;
mod references;
mod registration;
mod run;
mod static_plugin;
mod unreadable;
mod watched;
mod write_status;

pub use next::Next;
pub use parts::Parts;
pub use queue::{Backoff, Due, Queue};
pub use run::{Reconciler, RunError, Settings};
pub use unreadable::Unreadable;
