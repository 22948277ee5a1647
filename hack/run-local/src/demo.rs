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

use anyhow::Result;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Builds the network, makes traffic until a signal comes, and removes the network.
pub fn run() -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    network::remove_all()?;
    let result = network::build().and_then(|()| traffic::start());
    if result.is_ok() {
        println!("demo traffic runs");
        signals.forever().next();
    }
    network::remove_all()?;
    result
}
