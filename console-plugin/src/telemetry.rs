//! Logs: structured, to standard error, in the level `-loglevel` asks for.
//!
//! **Invariant:** a bad level never stops the start; it is said and `info` is used.

use std::io::IsTerminal as _;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

/// Starts logging. Names are those of NetObserv's `-loglevel`.
pub fn init(level: &str) {
    let (filter, is_known) = match level.to_ascii_lowercase().as_str() {
        "trace" => (LevelFilter::TRACE, true),
        "debug" => (LevelFilter::DEBUG, true),
        "info" => (LevelFilter::INFO, true),
        "warn" | "warning" => (LevelFilter::WARN, true),
        "error" | "fatal" | "panic" => (LevelFilter::ERROR, true),
        _ => (LevelFilter::INFO, false),
    };
    let filter = EnvFilter::builder()
        .with_default_directive(filter.into())
        .parse_lossy("");
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        // A closed standard error must cost the log and not the process.
        .log_internal_errors(false);
    // Only fails when a test has already installed one, which is then used.
    let _ = subscriber.try_init();
    if !is_known {
        tracing::error!(
            level,
            "unknown log level, using info; use trace, debug, info, warn or error"
        );
    }
}
