//! `run-local`: the whole product on this machine, as `make run` starts it.
//!
//! It checks what is needed, writes the three configurations, starts agent, pipeline and console in that order of
//! need, watches them, and stops them in the order in which flows move so that each can drain.
//! **Invariant:** nothing it starts outlives it, and it stops nothing that it did not start.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A line for the terminal. It may be gone, which must not stop the draining: `println!` would panic.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}
pub(crate) use say;

mod config;
mod demo;
mod disk;
mod files;
mod guard;
mod health;
mod interfaces;
mod logs;
mod ports;
mod preflight;
mod run;
mod settings;
mod subnets;
mod supervise;
mod turn;

#[derive(Parser)]
#[command(
    version,
    about = "Runs agent, pipeline and console together on one Linux host",
    after_help = variables_help()
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Checks variables and host as a start would, and changes nothing.
    Check,
    /// Watches the programs that need root. Started by run-local through sudo; stops when its standard input ends.
    #[command(hide = true)]
    Guard(guard::Guard),
    /// Makes demo traffic between network namespaces until it is interrupted. Needs root.
    Demo {
        /// Remove what an earlier run left, and stop.
        #[arg(long)]
        clean: bool,
        /// Port of the agent's health; the traffic that is to be counted exactly waits until the agent is ready.
        #[arg(long)]
        agent: Option<u16>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        None => settings().and_then(|settings| run::run(&settings)),
        Some(Command::Check) => settings().and_then(|settings| run::check(&settings)),
        Some(Command::Guard(guard)) => guard::run(&guard),
        Some(Command::Demo { clean: true, .. }) => demo::network::remove_all(),
        Some(Command::Demo { agent, .. }) => demo::run(agent),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "netobserv: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The variables of this process's environment, checked; the error has a line for each that cannot be used.
fn settings() -> anyhow::Result<settings::Settings> {
    let variable =
        |name: &str| std::env::var_os(name).map(|text| text.to_string_lossy().into_owned());
    settings::Settings::read(variable)
        .map_err(|problems| anyhow::anyhow!(problems.join("\nnetobserv: ")))
}

fn variables_help() -> String {
    let lines = settings::VARIABLES
        .map(|(name, meaning, default)| format!("  {name:<12} {meaning} [{default}]\n"));
    format!("Variables:\n{}", lines.concat())
}

/// Folder of the binaries that stand beside this one.
fn binaries() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    Ok(own
        .parent()
        .ok_or_else(|| anyhow::anyhow!("cannot tell the folder of {}", own.display()))?
        .to_owned())
}
