//! A test in network and mount namespaces of its own.
//!
//! **Invariant:** what a test makes there goes with its thread; the machine is left as it was.

use std::process::Command;

use nix::sched::{CloneFlags, unshare};

/// Runs `test` on a thread with namespaces of its own, which threads and processes started there share. Without privilege
/// it is skipped; in CI that is a failure.
pub fn isolated(test: impl FnOnce() + Send + 'static) {
    if !nix::unistd::geteuid().is_root() {
        assert!(
            std::env::var_os("CI").is_none(),
            "this test needs root, and this is CI"
        );
        eprintln!("skipped: needs root");
        return;
    }
    let thread = std::thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET).unwrap();
        run("mount --make-rprivate /");
        test();
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Runs a command, which must succeed.
pub fn run(line: &str) {
    let words: Vec<_> = line.split(' ').collect();
    let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
    assert!(
        output.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
