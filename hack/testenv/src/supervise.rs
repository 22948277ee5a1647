//! The process that holds one server: `testenv supervise NAME`, in a session of its own.
//!
//! It starts the server's processes, says in the environment how they are reached, and stops them on SIGTERM, when
//! one of them ends, or when the owner ends.

use std::os::fd::OwnedFd;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, raise};
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{PidfdFlags, pidfd_open};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cache::Cache;
use crate::environment::{Environment, State};
use crate::launch::Launch;
use crate::server::Server;

/// Holds `server` until it shall stop.
pub fn run(
    environment: &Environment,
    cache: &Cache,
    server: &'static Server,
    owner: Option<i32>,
) -> Result<()> {
    let Some(launch) = server.launch else {
        bail!("{} is a tool: there is nothing to start", server.name)
    };
    let mut signals =
        Signals::new([SIGCHLD, SIGHUP, SIGINT, SIGTERM]).context("wait for signals")?;
    if let Some(owner) = owner {
        end_with(owner)?;
    }
    let held = environment.hold(server)?;
    let ports = State::read(&held.folder).unwrap_or_default().ports;
    let supervisor = Pid::this().as_raw();
    // What an earlier supervisor wrote is over.
    held.write(&State {
        supervisor,
        ports: ports.clone(),
        ..State::default()
    })?;
    let mut launched = Launch::new(cache, environment.folder(), server, &mut signals, ports);
    let result = launch(&mut launched).and_then(|exports| {
        held.write(&State {
            supervisor,
            is_ready: true,
            ports: launched.ports(),
            exports,
        })?;
        launched.hold()
    });
    launched.stop();
    result
}

/// Sends ourselves SIGTERM when process `owner` ends.
fn end_with(owner: i32) -> Result<()> {
    let pid = rustix::process::Pid::from_raw(owner).context("a process id is a positive number")?;
    let owner: OwnedFd = pidfd_open(pid, PidfdFlags::empty())
        .with_context(|| format!("watch the owner, process {owner}"))?;
    std::thread::Builder::new()
        .name("owner".to_owned())
        .spawn(move || {
            let mut descriptors = [PollFd::new(&owner, PollFlags::IN)];
            while poll(&mut descriptors, None) == Err(rustix::io::Errno::INTR) {}
            // A signal to this thread reaches the handler of the process.
            let _ = raise(Signal::SIGTERM);
        })?;
    Ok(())
}
