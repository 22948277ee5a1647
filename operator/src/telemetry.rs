//! Logs: structured, to standard error.
//!
//! **Invariant:** a bad level never stops the start; it is said and `info` is used.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts logging, at one of zap's levels, as text or as JSON.
pub fn init(level: &str, form: &str) {
    let (ours, is_known) = match level.to_ascii_lowercase().as_str() {
        "debug" => ("debug", true),
        "info" | "" => ("info", true),
        "warn" | "warning" => ("warn", true),
        "error" | "dpanic" | "panic" | "fatal" => ("error", true),
        // A verbosity: 0 is info, everything above is more than info.
        number => match number.parse::<u8>() {
            Ok(0) => ("info", true),
            Ok(1..=4) => ("debug", true),
            Ok(_) => ("trace", true),
            Err(_) => ("info", false),
        },
    };
    // The client and its parts have their say only when something is wrong with them; of a request that failed whoever
    // asked tells more: for what, and what comes of it.
    let client = "kube_client::client::builder=off";
    let filter = EnvFilter::new(format!(
        "warn,{client},netobserv_operator={ours},manager={ours}"
    ));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        // A closed standard error must cost the log and not the process.
        .log_internal_errors(false);
    // Only fails when a test has already installed one, which is then used.
    let _ = if form.eq_ignore_ascii_case("json") {
        builder.json().try_init()
    } else {
        builder.try_init()
    };
    if !is_known {
        tracing::error!(
            level,
            "unknown log level, using info; use debug, info, warn, error or a number"
        );
    }
}
