//! What a stage is: the traits that ingesters, transforms and the two kinds of ends implement, and what they
//! are given when they are built. Called by `topology`.
//!
//! **Invariant:** no stage knows another one, nor the graph. Transforms and ends run on plain threads, one per
//! chain of stages; they may use the processor as long as they like, and reach the async runtime only through
//! [`BuildContext::runtime`].

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use crate::metrics::Operational;
use crate::model::Batch;
use crate::topology::Inlet;

/// Why a stage cannot be built or cannot go on. The text says which stage and what to do.
#[derive(Debug, thiserror::Error)]
#[error("stage \"{stage}\": {message}")]
pub struct StageError {
    /// The stage's name in the configuration.
    pub stage: String,
    /// What is wrong, in lower case, with the next step.
    pub message: String,
}

impl StageError {
    /// An error of the named stage.
    pub fn new(stage: &str, message: impl fmt::Display) -> Self {
        Self {
            stage: stage.to_owned(),
            message: message.to_string(),
        }
    }
}

/// What a stage is given when it is built.
#[derive(Clone)]
pub struct BuildContext {
    /// The stage's name: label of its metrics, in its log lines.
    pub name: String,
    /// Operational metrics.
    pub metrics: Operational,
    /// For stages that own tasks, such as senders.
    pub runtime: tokio::runtime::Handle,
}

/// What an ingester's run returns.
pub type IngestFuture = Pin<Box<dyn Future<Output = Result<(), StageError>> + Send>>;

/// Receives records from outside and sends them into the graph.
pub trait Ingest: Send {
    /// The address it listens on, if it listens.
    fn address(&self) -> Option<SocketAddr> {
        None
    }

    /// Runs until the source has no more or `stop` is cancelled. Everything acknowledged to the outside has
    /// been sent into `inlet` when it returns.
    fn run(self: Box<Self>, inlet: Inlet, stop: CancellationToken) -> IngestFuture;
}

/// Changes or removes records.
pub trait Transform: Send {
    /// Applies the stage to each record, in order.
    fn transform(&mut self, batch: &mut Batch);
}

/// Ends the patience of a stage, from any thread: no `write` waits beyond the moment given, one under way included.
pub type EndPatience = Box<dyn Fn(Instant) + Send + Sync>;

/// The end of a branch: an encode or a write stage.
pub trait Terminal: Send {
    /// Takes a batch. May wait for the outside world (its own branch waits then), but must in the end either
    /// hand each record over or count it as lost.
    fn write(&mut self, batch: &Batch);

    /// What is called with the deadline when the drain begins; needed where `write` may wait without end.
    fn end_patience(&self) -> Option<EndPatience> {
        None
    }

    /// Called when nothing comes any more: hands over what is still held, and counts as lost what could not
    /// be handed over until the deadline. Called after a panic of the branch too, its own included.
    fn finish(self: Box<Self>, deadline: Instant);
}
