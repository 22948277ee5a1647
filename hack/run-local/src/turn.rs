//! One start at a time on this machine: from the choice of free ports until the programs listen on them, no other start
//! may choose too, or both would choose the same.
//!
//! The lock is a socket with an abstract name: it needs no file that every user may write, it is one of the network
//! namespace as ports are, and the kernel gives it back when its holder ends.
//! **Invariant:** a holder that does not end delays a start and never prevents it.

use std::io::{ErrorKind, Read};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

const NAME: &str = "netobserv-run-local-start";

/// Held while ports are chosen and taken.
pub struct Turn {
    _socket: UnixListener,
}

/// Waits until no other start holds the turn, for `limit` at most; nothing if it is still held then.
pub fn take(limit: Duration) -> Result<Option<Turn>> {
    take_named(NAME, limit)
}

fn take_named(name: &str, limit: Duration) -> Result<Option<Turn>> {
    let address = SocketAddr::from_abstract_name(name)?;
    let deadline = Instant::now() + limit;
    let mut is_told = false;
    loop {
        match UnixListener::bind_addr(&address) {
            Ok(socket) => return Ok(Some(Turn { _socket: socket })),
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => return Err(error).context("cannot wait for other starts"),
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            crate::say!("the other start is not done yet; starting all the same");
            return Ok(None);
        }
        if !is_told {
            is_told = true;
            crate::say!("another start on this machine takes its ports; waiting until it is done");
        }
        // Nobody accepts it, so that it lasts as long as the holder's turn.
        if let Ok(mut stream) = UnixStream::connect_addr(&address) {
            stream.set_read_timeout(Some(left))?;
            let _ = stream.read(&mut [0]);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::mpsc::sync_channel;

    use super::*;

    /// Other runs of the tests may go on at the same time.
    fn name(of: &str) -> String {
        format!("netobserv-test-{of}-{}", std::process::id())
    }

    #[test]
    fn a_second_start_waits_until_the_first_one_is_done() {
        let name = name("waits");
        let first = take_named(&name, Duration::ZERO).unwrap().unwrap();
        let (sender, taken) = sync_channel(1);
        let second = std::thread::spawn(move || {
            let turn = take_named(&name, Duration::from_secs(30)).unwrap();
            sender.send(()).unwrap();
            turn.is_some()
        });
        taken.recv_timeout(Duration::from_millis(200)).unwrap_err();
        drop(first);
        taken.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(second.join().unwrap());
    }

    #[test]
    fn a_start_that_is_never_done_does_not_prevent_another() {
        let name = name("limit");
        let first = take_named(&name, Duration::ZERO).unwrap();
        let second = take_named(&name, Duration::from_millis(50)).unwrap();
        assert!(first.is_some() && second.is_none());
    }
}
