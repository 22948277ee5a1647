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
use std::path::Path;

use anyhow::{Context, Result};
use nix::fcntl::{Flock, FlockArg};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

/// Held by the one instance that makes demo traffic: the namespaces' names are the machine's.
const LOCK: &str = "/run/netobserv-demo.lock";

/// Builds the network, makes traffic until a signal comes, and removes the network. While another instance does so,
/// waits for its end: its traffic can be seen by all. `agent` is the port of the health of the agent that watches.
pub fn run(agent: Option<u16>) -> Result<()> {
    let _lock = lock()?;
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT])?;
    network::remove_all()?;
    let result = network::build().and_then(|()| traffic::start(agent));
    if result.is_ok() {
        println!("demo traffic runs");
        signals.forever().next();
    }
    network::remove_all()?;
    result
}

/// Whether an instance on this machine makes demo traffic now.
pub fn is_made_already() -> bool {
    is_held(Path::new(LOCK))
}

fn is_held(lock: &Path) -> bool {
    File::open(lock).is_ok_and(|file| Flock::lock(file, FlockArg::LockSharedNonblock).is_err())
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_lock_is_held_as_long_as_its_holder_lives() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert!(!is_held(&path), "there is no such file");
        let file = File::create(&path).unwrap();
        assert!(!is_held(&path));
        let held = Flock::lock(file, FlockArg::LockExclusiveNonblock).unwrap();
        assert!(is_held(&path));
        drop(held);
        assert!(!is_held(&path));
    }
}
