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
mod guard;
mod logs;
mod ports;
mod preflight;
mod run;
mod settings;
mod subnets;
mod supervise;

#[derive(Parser)]
#[command(
    version,
    about = "Runs agent, pipeline and console together on one Linux host"
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: settings::Settings,
}

#[derive(Subcommand)]
enum Command {
    /// Watches the programs that need root. Started by run-local through sudo; stops when its standard input ends.
    #[command(hide = true)]
    Guard(guard::Guard),
    /// Makes demo traffic between network namespaces until it is interrupted. Needs root.
    Demo {
        /// Remove what an earlier run left, and stop.
        #[arg(long)]
        clean: bool,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        None => run::run(&arguments.settings),
        Some(Command::Guard(guard)) => guard::run(&guard),
        Some(Command::Demo { clean: true }) => demo::network::remove_all(),
        Some(Command::Demo { clean: false }) => demo::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "netobserv: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Folder of the binaries that stand beside this one.
fn binaries() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    Ok(own
        .parent()
        .ok_or_else(|| anyhow::anyhow!("cannot tell the folder of {}", own.display()))?
        .to_owned())
}
