//! A chain: stages that follow each other without a branch, run one after the other on one thread.
//!
//! **Invariant:** a batch passes all stages of a chain before the next one enters, so records keep their order.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::inlet::Inlet;
use super::queue::Queue;
use crate::metrics::{Counter, Histogram};
use crate::model::Batch;
use crate::stage::{Terminal, Transform};

/// A stage of a chain and the time it takes.
pub struct Timed<S: ?Sized> {
    /// The stage.
    pub stage: Box<S>,
    /// Milliseconds per batch.
    pub duration: Histogram,
}

/// What stands at the end of a chain.
pub enum End {
    /// An encode or write stage.
    Terminal(Timed<dyn Terminal>),
    /// The chains that follow; the thread waits for room in them on the runtime.
    Next(Inlet, Handle),
}

/// Stages that run on one thread.
pub struct Chain {
    /// Named after its first stage.
    pub name: String,
    /// Where its batches come from.
    pub queue: Arc<Queue>,
    /// In order.
    pub transforms: Vec<Timed<dyn Transform>>,
    /// What follows.
    pub end: End,
    /// What was lost on the way out of the queue.
    pub lost: Lost,
}

/// Counters of the records that came into a chain's queue and did not get through, by cause.
#[derive(Clone, Default)]
pub struct Lost {
    /// Left over when the time to drain ran out.
    pub drain_timeout: Counter,
    /// Behind a stage that panicked, or in its hands.
    pub panic: Counter,
}

impl Chain {
    /// Runs until nothing comes any more, then finishes the end stage. `deadline` is asked for then.
    ///
    /// A panic of a stage stops the pipeline. What came and comes into the queue is counted as lost, the batch in hand
    /// as a whole, and what the end stage holds from earlier batches is still handed over before the thread panics.
    pub fn run(mut self, deadline: impl Fn() -> Instant, stop: &CancellationToken) {
        let work = AssertUnwindSafe(|| {
            while let Some(batch) = self.queue.next() {
                self.pass(batch);
            }
        });
        let mut result = catch_unwind(work);
        if result.is_err() {
            let lost = &self.lost.panic;
            let records = self.queue.close(lost) + self.queue.abandon(lost);
            tracing::error!(stage = self.name, records, "records lost: a stage panicked");
            stop.cancel();
        }
        if let End::Terminal(terminal) = self.end {
            let finish = AssertUnwindSafe(|| terminal.stage.finish(deadline()));
            result = result.and(catch_unwind(finish));
        }
        if let Err(panic) = result {
            stop.cancel();
            resume_unwind(panic);
        }
    }

    fn pass(&mut self, mut batch: Arc<Batch>) {
        if !self.transforms.is_empty() {
            // Copies only if a sibling branch still holds the batch.
            let own = Arc::make_mut(&mut batch);
            for Timed { stage, duration } in &mut self.transforms {
                let start = Instant::now();
                stage.transform(own);
                duration.observe(milliseconds_since(start));
                if own.is_empty() {
                    return;
                }
            }
        }
        match &mut self.end {
            End::Terminal(Timed { stage, duration }) => {
                let start = Instant::now();
                stage.write(&batch);
                duration.observe(milliseconds_since(start));
            }
            End::Next(inlet, runtime) => runtime.block_on(inlet.send_or_lose(vec![batch])),
        }
    }
}

/// NetObserv observes whole milliseconds; the buckets below one would stay empty then.
fn milliseconds_since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}
