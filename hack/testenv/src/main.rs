//! `testenv`: real servers for tests and trials, without containers.
//!
//! A server is fetched once into a cache outside the clone, by its pinned version. An *environment* is a folder in
//! which servers run with their own data, ports and logs; several may be side by side.
//! **Invariant:** `stop` ends exactly what was started here, and nothing outlives its supervisor or its owner.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};

/// A line for the terminal, which may be gone: `println!` would panic.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($text)*);
    }};
}

mod cache;
mod environment;
mod go;
mod launch;
mod poll;
mod server;
mod servers;
mod supervise;

use cache::Cache;
use environment::Environment;

#[derive(Parser)]
#[command(version, about = "Real servers for tests and trials")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Place {
    /// Folder of the environment: data, ports and logs of its servers [default: CACHE/testenv/environments/default]
    #[arg(long, value_name = "FOLDER", env = "NETOBSERV_TESTENV")]
    at: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Build or unpack servers and tools into the cache
    Fetch {
        /// Servers and tools; see `testenv status`
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Start servers, with what they need; prints what to reach them by, as JSON
    Start {
        #[command(flatten)]
        place: Place,
        /// Stop them when this process ends
        #[arg(long, value_name = "PID")]
        owner: Option<i32>,
        /// Servers; see `testenv status`
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Stop servers, with what needs them; without a name all of the environment
    Stop {
        #[command(flatten)]
        place: Place,
        /// Remove the environment's folder too; what is not worth keeping needs no time to end well
        #[arg(long, conflicts_with = "names")]
        remove: bool,
        /// Servers
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// What there is, what is fetched and what runs
    Status {
        #[command(flatten)]
        place: Place,
    },
    /// Print the end of the logs
    Logs {
        #[command(flatten)]
        place: Place,
        /// Lines of each log
        #[arg(long, default_value_t = 40)]
        lines: usize,
        /// Servers
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// The process that holds one server. Started by `start`.
    #[command(hide = true)]
    Supervise {
        #[command(flatten)]
        place: Place,
        #[arg(long)]
        owner: Option<i32>,
        name: String,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say!("testenv: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let cache = Cache::open()?;
    let open = |place: Place| Environment::open(place.at, &cache);
    match command {
        Command::Fetch { names } => {
            for server in server::closure(&names)? {
                (server.fetch)(&cache)?;
            }
            Ok(())
        }
        Command::Start {
            place,
            owner,
            names,
        } => {
            let environment = open(place)?;
            let exports = environment.start(&cache, &names, owner)?;
            write(&format!("{}\n", serde_json::to_string_pretty(&exports)?))
        }
        Command::Stop {
            place,
            remove,
            names,
        } => open(place)?.stop(&names, remove),
        Command::Status { place } => write(&open(place)?.status(&cache)),
        Command::Logs {
            place,
            lines,
            names,
        } => write(&open(place)?.logs(&names, lines)?),
        Command::Supervise { place, owner, name } => {
            supervise::run(&open(place)?, &cache, server::find(&name)?, owner)
        }
    }
}

fn write(text: &str) -> Result<()> {
    std::io::stdout()
        .write_all(text.as_bytes())
        .context("write to standard output")
}
