//! What the node tests share: namespaces, frames, and the kernel side with a collector instead of an exporter.
//!
//! **Invariant:** everything lives in network namespaces without a name, which go with the test process.
#![allow(dead_code, reason = "each test program uses a part")]
#![allow(clippy::unwrap_used, reason = "tests")]

pub mod agent;
pub mod frames;
pub mod netns;
pub mod tun;

/// Programs that are not the agent's: `empty` and `bare_hash`. Aligned, since the object's reader casts into it.
pub static OTHER_PROGRAMS: &[u8] = aya::include_bytes_aligned!(env!("NETOBSERV_BENCH_OBJECT"));

/// Whether kernel tests can run here; says why not. In CI they must.
pub fn is_privileged() -> bool {
    if nix::unistd::geteuid().is_root() {
        return true;
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "kernel tests need root in CI: run them with sudo"
    );
    eprintln!("skipped: kernel tests need root");
    false
}

/// Lets time pass that a test measures. Not for waiting until something has happened.
#[allow(
    clippy::disallowed_methods,
    reason = "the passing time is what is tested"
)]
pub fn let_pass(duration: std::time::Duration) {
    std::thread::sleep(duration);
}
