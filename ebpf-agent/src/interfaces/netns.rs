//! Enters a network namespace on the calling thread, and comes back.
//!
//! Called by the watcher (to open its sockets) and by the datapath thread (to attach).
//!
//! **Invariant:** only on dedicated OS threads, never on a tokio worker: while the closure runs, the whole thread is in
//! the other namespace.

use std::fs::File;
use std::io;

use nix::sched::{CloneFlags, setns};

use super::model::Netns;

/// Runs `work` inside `netns`. For the agent's own namespace this is a plain call.
///
/// A thread that cannot come back would do everything that follows in the wrong place, so that is a broken invariant.
pub fn within<T>(netns: &Netns, work: impl FnOnce() -> T) -> io::Result<T> {
    let Some(handle) = &netns.handle else {
        return Ok(work());
    };
    let own = File::open("/proc/thread-self/ns/net")?;
    setns(handle, CloneFlags::CLONE_NEWNET)?;
    let answer = work();
    setns(&own, CloneFlags::CLONE_NEWNET)
        .expect("a thread can return to the namespace it came from");
    Ok(answer)
}
