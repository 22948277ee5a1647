//! Starts the agent: arguments, configuration, logs, runtime; exit code 0 after a signal, 1 after a failure.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use netobserv_ebpf_agent::cli::Cli;
use netobserv_ebpf_agent::config::{Config, ProcessEnvironment};
use netobserv_ebpf_agent::{app, telemetry};
use tracing::{Level, error};

fn main() -> ExitCode {
    Cli::parse();
    let config = match Config::read(&ProcessEnvironment) {
        Ok(config) => config,
        Err(problems) => {
            telemetry::start(Level::INFO);
            error!("{problems}");
            return ExitCode::FAILURE;
        }
    };
    telemetry::start(config.log.level);
    match start(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            error!("{failure:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(config: Config) -> anyhow::Result<()> {
    // Everything that costs has a thread of its own; the runtime serves the exporter and the metrics.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let result = runtime.block_on(app::run(config));
    // A thread that is stuck, which has been told, must not hold up the end.
    runtime.shutdown_background();
    result
}
