//! The command line: Go-style flags (one or two dashes, `-name value` or `-name=value`).
//!
//! **Invariant:** pure; reads no file and no environment.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::version;

/// Serves the console's API and page, with the built-in flow store.
#[derive(Debug, Parser)]
#[command(
    name = "plugin-backend",
    version = concat!(env!("CARGO_PKG_VERSION"), " (commit ", env!("BUILD_COMMIT"), ", ", env!("BUILD_DATE"), ")"),
    about,
    after_help = "Flags may be written with one dash (-config FILE), as Go programs take them.\n\
                  Exit codes: 0 ended as asked, 1 cannot start or failed, 2 wrong command line.",
    disable_help_subcommand = true
)]
pub struct Arguments {
    /// Path of the YAML configuration
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Level of the log: trace, debug, info, warn, error
    #[arg(long, default_value = "info", value_name = "LEVEL")]
    pub loglevel: String,
    /// Print version and build date as NetObserv does, and exit
    #[arg(long = "v")]
    pub compatible_version: bool,
    /// Check the configuration, also for unknown keys, and exit
    #[arg(long)]
    pub check: bool,
    /// What to do instead of serving
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look into a flow store, also while it is served
    #[command(subcommand)]
    Store(StoreCommand),
}

/// What to do with a store.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// List files with rows, bytes and time range
    List {
        /// Folder of the store, or DATA of `make run`
        path: PathBuf,
    },
    /// Read everything and report damage
    Verify {
        /// Folder of the store, or DATA of `make run`
        path: PathBuf,
    },
    /// Write flows as CSV to standard output
    Export {
        /// Folder of the store, or DATA of `make run`
        path: PathBuf,
        /// First second, Unix time
        #[arg(long, value_name = "SECONDS")]
        start: Option<i64>,
        /// Second after the last, Unix time
        #[arg(long, value_name = "SECONDS")]
        end: Option<i64>,
    },
}

impl Arguments {
    /// Reads the command line of this process; prints help and version, and exits, where asked.
    pub fn read() -> Self {
        let arguments = Self::parse_from(with_two_dashes(std::env::args()));
        if arguments.compatible_version {
            println!("{}", version::compatible_line());
            std::process::exit(0);
        }
        arguments
    }
}

/// Rewrites `-name` to `--name`, which is what clap reads. `-h` and `-V` stay.
fn with_two_dashes(arguments: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    arguments.map(|argument| match argument.strip_prefix('-') {
        Some(name)
            if !matches!(name, "h" | "V")
                && name.starts_with(|c: char| c.is_ascii_alphabetic()) =>
        {
            format!("--{name}")
        }
        _ => argument,
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(line: &str) -> Arguments {
        Arguments::parse_from(with_two_dashes(line.split(' ').map(str::to_owned)))
    }

    #[test]
    fn go_style_flags_are_read() {
        Arguments::command().debug_assert();
        for line in [
            "x -config a.yaml -loglevel=debug",
            "x --config=a.yaml --loglevel debug",
        ] {
            let arguments = parse(line);
            assert_eq!(arguments.config, Some(PathBuf::from("a.yaml")));
            assert_eq!(arguments.loglevel, "debug");
        }
        assert!(parse("x -v").compatible_version);
        assert!(matches!(
            parse("x store list /data").command,
            Some(Command::Store(StoreCommand::List { .. }))
        ));
    }
}
