//! Demo traffic between network namespaces: a small shop with a web server, an API, a database, a resolver and two
//! remote sites. Everything lives in namespaces of its own, so the host's addresses, routes and firewall stay as they
//! are; the agent sees it because it watches the host's named namespaces too.

#![allow(
    clippy::disallowed_methods,
    reason = "traffic and slow lines are about time"
)]

pub mod network;

mod delay;
mod dns;
mod traffic;

use std::fs::File;

use anyhow::{Context, Result};
use nix::fcntl::{Flock, FlockArg};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Held by the one instance that makes demo traffic: the namespaces' names are the machine's.
const LOCK: &str = "/run/netobserv-demo.lock";

/// Builds the network, makes traffic until a signal comes, and removes the network. While another instance does so,
/// waits for its end: its traffic can be seen by all. `agent` is the port of the health of the agent that watches.
pub fn run(agent: Option<u16>) -> Result<()> {
    let _lock = lock()?;
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    network::remove_all()?;
    let result = network::build().and_then(|()| traffic::start(agent));
    if result.is_ok() {
        println!("demo traffic runs");
        signals.forever().next();
    }
    network::remove_all()?;
    result
}

fn lock() -> Result<Flock<File>> {
    let open = || File::create(LOCK).with_context(|| format!("cannot write {LOCK}"));
    if let Ok(lock) = Flock::lock(open()?, FlockArg::LockExclusiveNonblock) {
        return Ok(lock);
    }
    println!("another instance makes demo traffic already; waiting for its end");
    Flock::lock(open()?, FlockArg::LockExclusive)
        .map_err(|(_, error)| error)
        .with_context(|| format!("cannot lock {LOCK}"))
}
