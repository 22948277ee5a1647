//! When the next run is: soon after a change, later after an error or while something is not ready.
//!
//! A rollout or an object that somebody else changes all the time tells of a change many times a second. So there is a
//! least time between runs, which only an edit of ours cuts short.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::Notify;

use super::Next;

/// Changes that come this close together are one run.
const DEBOUNCE: Duration = Duration::from_millis(100);
/// Least time between runs.
const SPACING: Duration = Duration::from_secs(1);
/// First wait after an error; each further one doubles it.
const BACKOFF_MIN: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_mins(5);

/// The one key's queue.
pub struct Queue {
    changed: Arc<Notify>,
    edited: Arc<Notify>,
}

/// When the next run is due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Due {
    /// Not before this, whatever changes, unless a resource of ours was edited.
    pub least: Duration,
    /// After this though nothing changes.
    pub most: Option<Duration>,
}

impl Queue {
    /// Woken by `changed`, and by `edited` without regard to the least time.
    pub fn new(changed: Arc<Notify>, edited: Arc<Notify>) -> Self {
        Self { changed, edited }
    }

    /// Waits until a run is due.
    pub async fn next(&self, due: Due) {
        tokio::select! {
            () = self.edited.notified() => {}
            () = self.change(due) => {}
        }
        tokio::time::sleep(DEBOUNCE).await;
        // What came until here is in the run that follows.
        for notify in [&self.changed, &self.edited] {
            let _ = notify.notified().now_or_never();
        }
    }

    /// Waits for a change, or until the most time has passed, but not less than the least.
    async fn change(&self, due: Due) {
        tokio::time::sleep(due.least).await;
        match due.most {
            None => self.changed.notified().await,
            Some(most) => {
                let rest = most.saturating_sub(due.least);
                // Either way there is a run.
                let _ = tokio::time::timeout(rest, self.changed.notified()).await;
            }
        }
    }
}

/// Waits that grow with errors in a row.
#[derive(Debug, Default)]
pub struct Backoff {
    errors: u32,
}

impl Backoff {
    /// When the next run is due after one that ended so.
    pub fn wait(&mut self, next: Next) -> Due {
        match next {
            Next::Change => {
                self.succeeded();
                Due {
                    least: SPACING,
                    most: None,
                }
            }
            Next::After(wait) => {
                self.succeeded();
                Due {
                    least: SPACING.min(wait),
                    most: Some(wait),
                }
            }
            Next::Error => {
                let wait = self.failed();
                Due {
                    least: wait,
                    most: Some(wait),
                }
            }
        }
    }

    /// After one more error.
    pub fn failed(&mut self) -> Duration {
        let factor = 2_u32.checked_pow(self.errors).unwrap_or(u32::MAX);
        self.errors = self.errors.saturating_add(1);
        BACKOFF_MIN.saturating_mul(factor).min(BACKOFF_MAX)
    }

    /// After a run without error.
    fn succeeded(&mut self) {
        self.errors = 0;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[test]
    fn waits_double_up_to_five_minutes() {
        let mut backoff = Backoff::default();
        let dues: Vec<Due> = (0..10).map(|_| backoff.wait(Next::Error)).collect();
        let seconds: Vec<u64> = dues.iter().map(|due| due.least.as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        assert!(dues.iter().all(|due| due.most == Some(due.least)));
        assert_eq!(backoff.wait(Next::Change).most, None);
        assert_eq!(backoff.wait(Next::Error).least, BACKOFF_MIN);
    }

    /// Milliseconds until a run, when told so at once.
    async fn wait(due: Due, tell: fn(&Queue)) -> u128 {
        let queue = Queue::new(Arc::default(), Arc::default());
        tell(&queue);
        let start = Instant::now();
        queue.next(due).await;
        start.elapsed().as_millis()
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_waits_for_the_least_time_and_an_edit_does_not() {
        let after = |seconds| Backoff::default().wait(Next::After(Duration::from_secs(seconds)));
        let error = Backoff { errors: 3 }.wait(Next::Error);
        let ready = Backoff::default().wait(Next::Change);
        let first = Due::default();
        let change = |queue: &Queue| queue.changed.notify_one();
        let edit = |queue: &Queue| queue.edited.notify_one();
        let both: fn(&Queue) = |queue| {
            queue.changed.notify_one();
            queue.edited.notify_one();
        };
        let nothing = |_: &Queue| {};
        for (name, due, tell, expected) in [
            ("the first", first, change as fn(&Queue), 100),
            ("ready, change", ready, change, 1_100),
            ("ready, edit", ready, edit, 100),
            ("not ready, change", after(30), change, 1_100),
            ("not ready, edit", after(30), edit, 100),
            ("not ready, both", after(30), both, 100),
            ("not ready", after(30), nothing, 30_100),
            ("error, change", error, change, 8_100),
            ("error, edit", error, edit, 100),
            ("error", error, nothing, 8_100),
        ] {
            assert_eq!(wait(due, tell).await, expected, "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_one_run() {
        let queue = Queue::new(Arc::default(), Arc::default());
        let burst = async {
            for _ in 0..5 {
                queue.changed.notify_one();
                queue.edited.notify_one();
                tokio::time::sleep(DEBOUNCE / 10).await;
            }
        };
        tokio::join!(queue.next(Due::default()), burst);
        let again = queue.next(Due::default());
        let again = tokio::time::timeout(Duration::from_mins(1), again).await;
        assert!(again.is_err(), "a second run");
    }
}
