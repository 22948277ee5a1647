//! Waiting for something that sends no event: a port, a file, a process of somebody else.

use std::time::{Duration, Instant};

const STEP: Duration = Duration::from_millis(25);

/// Asks until it holds; false when it does not within `limit`.
#[allow(
    clippy::disallowed_methods,
    reason = "the one place that polls; what is asked has no event"
)]
pub fn until(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if holds() {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(STEP);
    }
}
