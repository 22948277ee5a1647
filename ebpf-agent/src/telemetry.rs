//! Logs: one line of text per record, to standard error.
//!
//! **Invariant:** set up once, by `main`. Lines of the data path go through `limit`.

pub mod limit;

use std::io::IsTerminal;

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging at this level. Libraries below us speak from their warnings on, unless everything is asked for.
pub fn start(level: Level) {
    let libraries = if level == Level::TRACE {
        LevelFilter::TRACE
    } else {
        LevelFilter::WARN.min(level.into())
    };
    let filter = Targets::new()
        .with_default(libraries)
        .with_target(env!("CARGO_CRATE_NAME"), level);
    let layer = fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        // A closed standard error must cost the log and not the process.
        .log_internal_errors(false);
    // A second start (in tests) keeps the first one's settings.
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(layer)
        .try_init();
}
