//! The task that pushes batches: one after the other, again after a pause, until Loki takes one or it is given up.
//!
//! **Invariant:** each batch taken from the queue ends as sent or as dropped with a cause.

use std::sync::Arc;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use tokio_util::sync::CancellationToken;

use super::batch::Push;
use super::client::{Client, Outcome};
use super::metrics::LokiMetrics;
use super::queue::Queue;

/// A failing Loki gives one line in this time, with the number of those left out.
const LOG_PERIOD: Duration = Duration::from_secs(10);

/// Pauses between the attempts of one batch.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    pub first: Duration,
    pub longest: Duration,
}

impl Backoff {
    /// The pause after `failures` failed attempts; `random` is spread over its range.
    fn pause(self, failures: u32, random: u64) -> Duration {
        if self.first >= self.longest {
            return self.first;
        }
        let doubled = |times: u32| {
            self.first
                .saturating_mul(1_u32.checked_shl(times).unwrap_or(u32::MAX))
        };
        let low = doubled(failures - 1).min(self.longest);
        let high = doubled(failures).min(self.longest);
        low + high
            .saturating_sub(low)
            .mul_f64(random as f64 / u64::MAX as f64)
    }
}

pub struct Sender {
    pub queue: Arc<Queue>,
    pub client: Client,
    pub backoff: Backoff,
    pub attempts: u32,
    pub metrics: Arc<LokiMetrics>,
    /// Gives up everything that is left.
    pub abort: CancellationToken,
    pub log: LogLimit,
}

impl Sender {
    /// Runs until the queue is closed and empty.
    pub async fn run(mut self) {
        while let Some(push) = self.queue.pop().await {
            if self.abort.is_cancelled() {
                self.metrics.dropped(&push, "shutdown");
            } else {
                self.deliver(push).await;
            }
        }
    }

    /// An attempt without an answer says nothing of the batch, which is given up for them only when others find no room
    /// behind it; NetObserv, which has no queue, counts them as it does answers.
    async fn deliver(&mut self, push: Push) {
        let abort = self.abort.clone();
        let attempts_max = self.attempts.max(1);
        let (mut failures, mut answers) = (0_u32, 0);
        loop {
            let started = Instant::now();
            let outcome = tokio::select! {
                outcome = self.client.push(&push) => outcome,
                () = abort.cancelled() => return self.metrics.dropped(&push, "shutdown"),
            };
            self.metrics.request(outcome.status(), started.elapsed());
            let reason = match outcome {
                Outcome::Accepted { .. } => return self.metrics.sent(&push),
                Outcome::Refused { reason, .. } => {
                    self.log.warn(
                        &reason,
                        push.entries,
                        "Loki refused a batch, its records are lost",
                    );
                    return self.metrics.dropped(&push, "refused");
                }
                Outcome::Failed { reason, .. } => {
                    answers += 1;
                    reason
                }
                Outcome::Unanswered { reason } => reason,
            };
            self.metrics.retries.inc();
            failures = failures.saturating_add(1);
            if answers >= attempts_max || (failures >= attempts_max && self.queue.is_full()) {
                self.log.warn(
                    &reason,
                    push.entries,
                    "Loki did not take a batch, its records are lost",
                );
                return self.metrics.dropped(&push, "retries_exhausted");
            }
            self.log.warn(
                &reason,
                push.entries,
                "push to Loki failed, it will be repeated",
            );
            let random = std::hash::BuildHasher::hash_one(&RandomState::default(), started);
            tokio::select! {
                () = tokio::time::sleep(self.backoff.pause(failures, random)) => {}
                () = abort.cancelled() => return self.metrics.dropped(&push, "shutdown"),
            }
        }
    }
}

/// Lets a line through now and then.
#[derive(Debug)]
pub struct LogLimit {
    stage: String,
    last: Option<Instant>,
    left_out: u64,
}

impl LogLimit {
    pub fn new(stage: &str) -> Self {
        Self {
            stage: stage.into(),
            last: None,
            left_out: 0,
        }
    }

    pub fn warn(&mut self, reason: &str, records: u64, message: &str) {
        if self.last.is_some_and(|last| last.elapsed() < LOG_PERIOD) {
            self.left_out += 1;
            return;
        }
        tracing::warn!(
            stage = self.stage,
            reason,
            records,
            left_out = self.left_out,
            "{message}"
        );
        self.last = Some(Instant::now());
        self.left_out = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_within_their_range() {
        let backoff = Backoff {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(5),
        };
        for (failures, low, high) in [(1, 1, 2), (2, 2, 4), (3, 4, 5), (4, 5, 5), (40, 5, 5)] {
            assert_eq!(
                backoff.pause(failures, 0),
                Duration::from_secs(low),
                "{failures}"
            );
            assert_eq!(
                backoff.pause(failures, u64::MAX),
                Duration::from_secs(high),
                "{failures}"
            );
        }
        let fixed = Backoff {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(1),
        };
        assert_eq!(fixed.pause(7, u64::MAX / 2), Duration::from_secs(1));
    }
}
