//! The binary: arguments, TLS provider, log, run, exit code.

use std::io::Write as _;
use std::process::ExitCode;

use plugin_backend::cli::Arguments;
use plugin_backend::{app, telemetry};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::read();
    telemetry::init(&arguments.loglevel);
    // Fails only when a provider is installed already, which is then used.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match app::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A closed standard error must not change the exit code.
            let _ = writeln!(std::io::stderr(), "plugin-backend: {}", told(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes, but for those that it repeats.
fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}
