//! The command line: there is nothing to set on it, only to ask.
//!
//! **Invariant:** configuration is by environment, as with NetObserv's agent.

use clap::Parser;

use crate::config::listing;

/// Version, commit and date.
const VERSION_LINE: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (commit ",
    env!("BUILD_COMMIT"),
    ", built ",
    env!("BUILD_DATE"),
    ")"
);

/// Network flows from the Linux kernel, exported as pbflow.
#[derive(Debug, Parser)]
#[command(name = "netobserv-ebpf-agent", version = VERSION_LINE, after_help = listing::help())]
pub struct Cli {}
