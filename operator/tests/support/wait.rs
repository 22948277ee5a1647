//! Waiting for what the cluster does by itself.

use std::time::{Duration, Instant};

/// Long enough for a machine that builds something else meanwhile.
const LIMIT: Duration = Duration::from_mins(5);
const STEP: Duration = Duration::from_millis(100);

/// Asks until the answer is `Ok`; panics with the last reason when that takes too long.
pub async fn eventually<T>(what: &str, ask: impl AsyncFn() -> Result<T, String>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(reason) => {
                assert!(
                    Instant::now() < deadline,
                    "{what}: not within {LIMIT:?}: {reason}"
                );
            }
        }
        tokio::time::sleep(STEP).await;
    }
}
