//! The binary: arguments, TLS provider, log, run, exit code.

use std::io::Write as _;
use std::process::ExitCode;

use netobserv_operator::cli::{ArgumentError, Arguments};
use netobserv_operator::http::ListenError;
use netobserv_operator::{app, refusal, telemetry};

/// As clap exits when it cannot read the command line.
const WRONG_COMMAND_LINE: u8 = 2;

fn main() -> ExitCode {
    let arguments = Arguments::read();
    telemetry::init(&arguments.zap_log_level, &arguments.zap_encoder);
    // Fails only when a provider is installed already, which is then used.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match app::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A closed standard error must not change the exit code.
            let _ = writeln!(std::io::stderr(), "manager: {}", refusal::chain(&error));
            let is_command_line = error.is::<ArgumentError>()
                || matches!(error.downcast_ref(), Some(ListenError::Form { .. }));
            if is_command_line {
                ExitCode::from(WRONG_COMMAND_LINE)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}
