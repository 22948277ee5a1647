//! A chain: stages that follow each other without a branch, run one after the other on one thread; and the
//! ways out of chains and ingesters.
//!
//! **Invariant:** a batch passes all stages of a chain before the next one enters, so records keep their order.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::queue::{NotSent, Queue};
use crate::metrics::{Counter, Histogram};
use crate::model::Batch;
use crate::stage::{Terminal, Transform};

/// One way out of a chain or of an ingester.
pub struct Outlet {
    queue: Arc<Queue>,
    /// How long a full queue is waited for; without siblings as long as it takes.
    patience: Option<Duration>,
    /// Whether the last batch did not get in: then the next ones do not wait, until one gets in.
    is_given_up: AtomicBool,
    dropped: Counter,
}

impl Outlet {
    /// A way into `queue`. With `patience` a batch that finds no room in time is dropped and counted.
    pub fn new(queue: Arc<Queue>, patience: Option<Duration>, dropped: Counter) -> Self {
        queue.add_sender();
        Self {
            queue,
            patience,
            is_given_up: AtomicBool::new(false),
            dropped,
        }
    }

    fn patience_now(&self) -> Option<Duration> {
        self.patience.map(|patience| {
            if self.is_given_up.load(Relaxed) {
                Duration::ZERO
            } else {
                patience
            }
        })
    }

    fn note(&self, sent: Result<(), NotSent>, records: usize) {
        self.is_given_up.store(sent.is_err(), Relaxed);
        // A closed queue has counted the batch itself, with its own cause.
        if sent == Err(NotSent::Full) {
            self.dropped.add(records as u64);
        }
    }

    fn send_blocking(&self, batch: Arc<Batch>) {
        let records = batch.len();
        let sent = self.queue.send_blocking(batch, self.patience_now());
        self.note(sent, records);
    }

    async fn send(&self, batch: Arc<Batch>) {
        let records = batch.len();
        let sent = self.queue.send(batch, self.patience_now()).await;
        self.note(sent, records);
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.queue.remove_sender();
    }
}

/// Where an ingester sends what it received. Clones are more senders of the same ingester.
#[derive(Clone)]
pub struct Inlet(Arc<[Outlet]>);

impl Inlet {
    /// Sends into all of `outlets`.
    pub fn new(outlets: Vec<Outlet>) -> Self {
        Self(outlets.into())
    }

    /// Hands a batch to every follower. Waits when the only one is full; among several, a full one is waited
    /// for a bounded time and then counted as lost.
    pub async fn send(&self, batch: Batch) {
        if batch.is_empty() {
            return;
        }
        let batch = Arc::new(batch);
        let Some((last, others)) = self.0.split_last() else {
            return;
        };
        for outlet in others {
            outlet.send(Arc::clone(&batch)).await;
        }
        last.send(batch).await;
    }
}

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
    /// The chains that follow.
    Outlets(Vec<Outlet>),
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
            End::Outlets(outlets) => {
                let Some((last, others)) = outlets.split_last() else {
                    return;
                };
                for outlet in others {
                    outlet.send_blocking(Arc::clone(&batch));
                }
                last.send_blocking(batch);
            }
        }
    }
}

/// NetObserv observes whole milliseconds; the buckets below one would stay empty then.
fn milliseconds_since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}
