//! Signals that stop the agent.
//!
//! **Invariant:** the first one asks to stop with grace, the second one stops at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// A token that is cancelled at the first SIGINT or SIGTERM.
pub fn signals() -> std::io::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = CancellationToken::new();
    let cancelled = stop.clone();
    tokio::spawn(async move {
        next(&mut interrupt, &mut terminate).await;
        cancelled.cancel();
        next(&mut interrupt, &mut terminate).await;
        warn!("second signal: stopping at once, what is queued is lost");
        std::process::exit(1);
    });
    Ok(stop)
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
