//! The binary: arguments, TLS provider, log, run, exit code.

use std::io::Write as _;
use std::process::ExitCode;

use netobserv_operator::cli::Arguments;
use netobserv_operator::{app, telemetry};

fn main() -> ExitCode {
    let arguments = Arguments::read();
    telemetry::init(&arguments.zap_log_level, &arguments.zap_encoder);
    // Fails only when a provider is installed already, which is then used.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match app::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A closed standard error must not change the exit code.
            let _ = writeln!(std::io::stderr(), "manager: {error:#}");
            ExitCode::FAILURE
        }
    }
}
