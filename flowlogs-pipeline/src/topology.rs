//! Builds the graph of stages and runs it: chains of stages on threads of their own, joined by bounded queues.
//! Called by `app` with a checked configuration.
//!
//! **Invariant:** what an ingester has sent into its [`Inlet`] is handed to every end that follows it, or
//! counted as dropped with the stage and the cause. A branch that cannot keep up holds its siblings up for a
//! bounded time only.

mod build;
mod chain;
mod inlet;
mod queue;
mod run;
#[cfg(test)]
mod tests;

pub use build::Topology;
pub use inlet::{Closed, Inlet};
pub use run::Outcome;
