//! Whom a watch tells: of changes, and of its own end. Nobody else would notice that: what the watch saw last would pass
//! for how things are, for ever.

use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

/// Hears of what watches see, and of those that break off.
#[derive(Debug, Clone)]
pub struct Listener {
    changed: Arc<Notify>,
    broken: CancellationToken,
}

impl Listener {
    /// `changed` is told of changes; `broken` is cancelled when a watch breaks off.
    pub fn new(changed: Arc<Notify>, broken: CancellationToken) -> Self {
        Self { changed, broken }
    }

    /// Something is other than it was.
    pub fn changed(&self) {
        self.changed.notify_one();
    }

    /// Starts a watch, which goes on until it is aborted: that it panics or ends by itself is told. `what` is for the log.
    pub fn spawn(
        &self,
        tasks: &mut JoinSet<()>,
        what: impl Display + Send + 'static,
        watch: impl Future<Output = ()> + Send + 'static,
    ) -> AbortHandle {
        let broken = self.broken.clone();
        tasks.spawn(async move {
            // One that is aborted does not come to what follows. What a panic left half done is never looked at.
            let ended = AssertUnwindSafe(watch).catch_unwind().await;
            let is_panic = ended.is_err();
            tracing::error!(%what, is_panic, "a watch broke off");
            broken.cancel();
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    async fn panics() {
        // Past its start, as a watch would.
        tokio::task::yield_now().await;
        panic!("on purpose");
    }

    #[tokio::test]
    async fn a_watch_that_ends_by_itself_is_told_and_one_that_is_aborted_is_not() {
        for (name, watch, is_aborted, is_told) in [
            ("a panic", panics().boxed(), false, true),
            ("an end", std::future::ready(()).boxed(), false, true),
            ("an abort", std::future::pending().boxed(), true, false),
        ] {
            let broken = CancellationToken::new();
            let mut tasks = JoinSet::new();
            let listener = Listener::new(Arc::default(), broken.clone());
            let handle = listener.spawn(&mut tasks, name, watch);
            if is_aborted {
                handle.abort();
            }
            let ended = tasks.join_next().await.unwrap();
            assert_eq!(ended.is_err(), is_aborted, "{name}");
            assert_eq!(broken.is_cancelled(), is_told, "{name}");
        }
    }
}
