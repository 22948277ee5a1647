//! When the next run is: soon after a change, later after an error or while something is not ready.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::Next;

/// Changes that come this close together are one run.
const DEBOUNCE: Duration = Duration::from_millis(100);
/// First wait after an error; each further one doubles it.
const BACKOFF_MIN: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_mins(5);

/// The one key's queue.
pub struct Queue {
    changed: Arc<Notify>,
}

impl Queue {
    /// Woken by `changed`.
    pub fn new(changed: Arc<Notify>) -> Self {
        Self { changed }
    }

    /// Waits until a run is due: a change, or `later` has passed.
    pub async fn next(&self, later: Option<Duration>) {
        match later {
            None => self.changed.notified().await,
            Some(later) => {
                // Either way there is a run.
                let _ = tokio::time::timeout(later, self.changed.notified()).await;
            }
        }
        tokio::time::sleep(DEBOUNCE).await;
    }
}

/// Waits that grow with errors in a row.
#[derive(Debug, Default)]
pub struct Backoff {
    errors: u32,
}

impl Backoff {
    /// How long until the next run without a change, after one that ended so.
    pub fn wait(&mut self, next: Next) -> Option<Duration> {
        match next {
            Next::Change => {
                self.succeeded();
                None
            }
            Next::After(wait) => {
                self.succeeded();
                Some(wait)
            }
            Next::Error => Some(self.failed()),
        }
    }

    /// After one more error.
    pub fn failed(&mut self) -> Duration {
        let factor = 2_u32.checked_pow(self.errors).unwrap_or(u32::MAX);
        self.errors = self.errors.saturating_add(1);
        BACKOFF_MIN.saturating_mul(factor).min(BACKOFF_MAX)
    }

    /// After a run without error.
    pub fn succeeded(&mut self) {
        self.errors = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_five_minutes() {
        let mut backoff = Backoff::default();
        let seconds: Vec<u64> = (0..10).map(|_| backoff.failed().as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        backoff.succeeded();
        assert_eq!(backoff.failed(), BACKOFF_MIN);
    }
}
