//! Runs a built topology: ingesters as tasks, chains as threads, and the way to a standstill.
//!
//! **Invariant:** stopping goes along the flow of records: ingesters first, then each chain when nothing comes
//! any more. Only the drain deadline cuts this short, and then what is left is counted. It counts from the stop, or
//! from the end of the last ingester; nothing that a stage or a peer does can put it off.

use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::Topology;
use super::chain::{Chain, End, Lost};
use super::queue::Queue;
use crate::stage::{EndPatience, StageError};

/// How much longer than the drain the end stages may need to count what they could not hand over.
const FINISH_GRACE: Duration = Duration::from_secs(2);

/// How a run ended.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Stages that failed.
    pub errors: Vec<StageError>,
    /// Records counted as lost because the drain took too long.
    pub undrained: u64,
}

/// The time to drain.
#[derive(Clone)]
struct Drain {
    started: CancellationToken,
    deadline: Arc<OnceLock<Instant>>,
    timeout: Duration,
}

impl Drain {
    /// Starts by itself when `stop` is cancelled.
    fn new(stop: &CancellationToken, timeout: Duration) -> Self {
        Self {
            started: stop.child_token(),
            deadline: Arc::default(),
            timeout,
        }
    }

    /// When a chain that ends now must have finished: one that ends before the drain has a time of its own.
    fn deadline(&self) -> Instant {
        let from_now = || Instant::now() + self.timeout;
        if self.started.is_cancelled() {
            *self.deadline.get_or_init(from_now)
        } else {
            from_now()
        }
    }

    /// Waits until the drain has taken too long; returns its deadline, which the stages learn when it begins.
    async fn is_over(&self, patience: &[EndPatience]) -> Instant {
        self.started.cancelled().await;
        let deadline = self.deadline();
        for end in patience {
            end(deadline);
        }
        sleep_until(deadline.into()).await;
        deadline
    }
}

/// The threads of the chains.
struct Threads {
    queues: Vec<(Arc<Queue>, Lost)>,
    /// Of the ends that may be waiting when the drain begins.
    patience: Vec<EndPatience>,
    handles: Vec<(String, JoinHandle<()>)>,
    /// Closes when the last thread has ended.
    ended: mpsc::Receiver<()>,
}

impl Threads {
    /// Starts as many as can be started; each that cannot is an error.
    fn start(
        chains: Vec<Chain>,
        drain: &Drain,
        stop: &CancellationToken,
        errors: &mut Vec<StageError>,
    ) -> Self {
        let (ended, ends) = mpsc::channel::<()>(1);
        let (mut queues, mut patience) = (Vec::new(), Vec::new());
        let mut handles = Vec::new();
        for chain in chains {
            queues.push((Arc::clone(&chain.queue), chain.lost.clone()));
            if let End::Terminal(end) = &chain.end {
                patience.extend(end.stage.end_patience());
            }
            let name = chain.name.clone();
            let (drain, ended, on_panic) = (drain.clone(), ended.clone(), stop.clone());
            let work = move || {
                // Dropped by a panic too.
                let _ended = ended;
                chain.run(|| drain.deadline(), &on_panic);
            };
            match thread::Builder::new().name(name.clone()).spawn(work) {
                Ok(handle) => handles.push((name, handle)),
                Err(error) => errors.push(StageError::new(
                    &name,
                    format_args!("cannot start its thread: {error}"),
                )),
            }
        }
        Self {
            queues,
            patience,
            handles,
            ended: ends,
        }
    }

    /// Reports the threads that panicked. One that let go of the channel is about to end; one that is stuck is left
    /// behind.
    fn join(self, have_ended: bool, errors: &mut Vec<StageError>) {
        for (name, thread) in self.handles {
            if (have_ended || thread.is_finished()) && thread.join().is_err() {
                errors.push(StageError::new(
                    &name,
                    "its thread panicked, see the message above",
                ));
            }
        }
    }
}

impl Topology {
    /// Runs until all ingesters have ended, by themselves or because `stop` was cancelled, and everything
    /// they sent has left the graph. `started` is called when every ingester runs.
    pub async fn run(self, stop: CancellationToken, started: impl FnOnce()) -> Outcome {
        let mut outcome = Outcome::default();
        let drain = Drain::new(&stop, *self.perf.drain_timeout);
        let mut chains = Threads::start(self.chains, &drain, &stop, &mut outcome.errors);
        let mut ingesters = JoinSet::new();
        if outcome.errors.is_empty() {
            for (ingester, inlet) in self.ingesters {
                ingesters.spawn(ingester.run(inlet, stop.clone()));
            }
            started();
        } else {
            // A queue that nobody reads must not fill up. Without senders the chains that run end.
            drop(self.ingesters);
        }
        let have_ended = {
            let mut whole = pin!(async {
                ingest(&mut ingesters, &stop, &mut outcome.errors).await;
                drain.started.cancel();
                chains.ended.recv().await;
            });
            let cut = tokio::select! {
                () = &mut whole => None,
                deadline = drain.is_over(&chains.patience) => Some(deadline),
            };
            match cut {
                None => true,
                Some(deadline) => {
                    // Who waits for room learns it at once. End stages know the deadline too, and need a moment to
                    // count what they hold.
                    for (queue, lost) in &chains.queues {
                        queue.close(&lost.drain_timeout);
                    }
                    let finish = timeout_at((deadline + FINISH_GRACE).into(), whole);
                    finish.await.is_ok()
                }
            }
        };
        for (queue, lost) in &chains.queues {
            // A stage that is stuck in a batch by now is left behind with it.
            queue.abandon(&lost.drain_timeout);
            outcome.undrained += lost.drain_timeout.get();
        }
        chains.join(have_ended, &mut outcome.errors);
        outcome
    }
}

/// Waits for the ingesters. One that cannot go on ends the process, so that it is restarted or noticed.
async fn ingest(
    ingesters: &mut JoinSet<Result<(), StageError>>,
    stop: &CancellationToken,
    errors: &mut Vec<StageError>,
) {
    while let Some(result) = ingesters.join_next().await {
        match result {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                stop.cancel();
                errors.push(error);
            }
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
}
