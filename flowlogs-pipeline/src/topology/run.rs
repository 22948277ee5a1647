//! Runs a topology: ingesters as tasks, chains as threads, and the way to a standstill.
//!
//! **Invariant:** stopping goes along the flow of records: ingesters first, then each chain when nothing comes
//! any more. Only the drain deadline cuts this short, and then what is left is counted.

use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Topology;
use super::chain::Lost;
use super::queue::Queue;
use crate::stage::StageError;

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

impl Topology {
    /// Runs until all ingesters have ended, by themselves or because `stop` was cancelled, and everything
    /// they sent has left the graph. `started` is called when every ingester runs.
    pub async fn run(self, stop: CancellationToken, started: impl FnOnce()) -> Outcome {
        let mut outcome = Outcome::default();
        let drain = Arc::new(OnceLock::new());
        let drain_timeout = *self.perf.drain_timeout;
        let (ended, mut ends) = mpsc::channel::<()>(1);
        let mut queues: Vec<(Arc<Queue>, Lost)> = Vec::new();
        let mut threads = Vec::new();
        for chain in self.chains {
            queues.push((Arc::clone(&chain.queue), chain.lost.clone()));
            let name = chain.name.clone();
            let (drain, ended, on_panic) = (Arc::clone(&drain), ended.clone(), stop.clone());
            let work = move || {
                // Dropped by a panic too.
                let _ended = ended;
                chain.run(
                    || *drain.get_or_init(|| Instant::now() + drain_timeout),
                    &on_panic,
                );
            };
            match thread::Builder::new().name(name.clone()).spawn(work) {
                Ok(thread) => threads.push((name, thread)),
                Err(error) => {
                    stop.cancel();
                    outcome.errors.push(StageError::new(
                        &name,
                        format_args!("cannot start its thread: {error}"),
                    ));
                }
            }
        }
        drop(ended);
        let mut tasks = JoinSet::new();
        for (ingester, inlet) in self.ingesters {
            tasks.spawn(ingester.run(inlet, stop.clone()));
        }
        started();
        while let Some(result) = tasks.join_next().await {
            match result {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    // One ingester that cannot go on ends the process, so that it is restarted or noticed.
                    stop.cancel();
                    outcome.errors.push(error);
                }
                Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
            }
        }
        let deadline = *drain.get_or_init(|| Instant::now() + drain_timeout);
        // The channel closes when the last chain has ended.
        let mut has_ended = tokio::time::timeout_at(deadline.into(), ends.recv())
            .await
            .is_ok();
        if !has_ended {
            for (queue, lost) in &queues {
                outcome.undrained += queue.close(&lost.drain_timeout) as u64;
            }
            // End stages know the deadline too, and need a moment to count what they hold.
            has_ended = tokio::time::timeout_at((deadline + FINISH_GRACE).into(), ends.recv())
                .await
                .is_ok();
            // A stage that is stuck in a batch by now is left behind with it.
            for (queue, lost) in &queues {
                outcome.undrained += queue.abandon(&lost.drain_timeout) as u64;
            }
        }
        for (name, thread) in threads {
            // A thread that let go of the channel is about to end; one that is stuck is left behind.
            if (has_ended || thread.is_finished()) && thread.join().is_err() {
                outcome.errors.push(StageError::new(
                    &name,
                    "its thread panicked, see the message above",
                ));
            }
        }
        outcome
    }
}
