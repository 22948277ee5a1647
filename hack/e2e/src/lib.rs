//! Support for journeys: the whole product started as a user starts it, asked as a browser asks it.
//!
//! **Invariant:** a journey knows only commands, ports, files and HTTP answers, never a program's inside.

mod http;
mod metric;
pub mod process;
mod product;
mod wire;

pub use http::{foreign_header, get, get_json};
pub use product::{Options, Product, binary, command, free_port, repository};
pub use wire::{Sending, Wire};

use std::time::{Duration, Instant};

/// The programs that run-local starts.
pub const PROGRAMS: [&str; 3] = [
    "netobserv-ebpf-agent",
    "flowlogs-pipeline",
    "plugin-backend",
];

/// Longest wait for anything to become true on a loaded machine.
pub const PATIENCE: Duration = Duration::from_mins(3);

/// Whether privileged journeys can run. Skips at home with a message; in CI it must be root.
pub fn is_root() -> bool {
    let is_root = nix::unistd::Uid::effective().is_root();
    assert!(
        is_root || std::env::var_os("CI").is_none(),
        "this journey loads kernel programs: run it as root"
    );
    if !is_root {
        eprintln!("skipped: this journey loads kernel programs and needs root");
    }
    is_root
}

/// Polls until `attempt` gives a value; panics with `what` when patience ends.
pub fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        // A turn of a poll, not a wait for something to have happened.
        std::thread::park_timeout(Duration::from_millis(100));
    }
}
