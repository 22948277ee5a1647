//! The log: text on standard error, at the level of the configuration. Started by `app`.
//!
//! **Invariant:** a standard error that is closed costs the log and not the process.

use std::io::IsTerminal as _;

use tracing::level_filters::LevelFilter;

/// Level when none is configured, and when it cannot be understood.
pub const LEVEL_DEFAULT: &str = "error";

/// Starts the log. A second start, as in tests, changes nothing.
pub fn start(level: &str) {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(filter(level))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        // It would report a failed write by `eprintln`, which panics then.
        .log_internal_errors(false)
        .finish();
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// NetObserv's names of levels.
fn filter(level: &str) -> LevelFilter {
    match level.to_ascii_lowercase().as_str() {
        "trace" => LevelFilter::TRACE,
        "debug" => LevelFilter::DEBUG,
        "info" => LevelFilter::INFO,
        "warn" | "warning" => LevelFilter::WARN,
        _ => LevelFilter::ERROR,
    }
}
