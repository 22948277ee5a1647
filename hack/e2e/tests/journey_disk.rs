//! A disk that fills while everything runs: it is said, reading goes on, room heals it, and Ctrl-C is quick.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use e2e::{Options, Product, eventually, is_root};

/// Draining has deadlines that do not depend on a store which takes nothing; the rest is for a slow machine.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// A file system in memory whose size can be changed while it is in use.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new() -> Self {
        let disk = Self(tempfile::tempdir().unwrap());
        disk.mount("size=1g");
        disk
    }

    /// Leaves room for what is there and `megabytes` more or less.
    fn resize(&self, megabytes: u32) {
        self.mount(&format!("remount,size={megabytes}m"));
    }

    fn mount(&self, options: &str) {
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "netobserv-e2e"])
            .arg(self.path())
            .status()
            .unwrap();
        assert!(status.success(), "mount -o {options}");
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

fn says(product: &Product, what: &str) {
    eventually(what, || product.terminal().contains(what).then_some(()));
}

#[test]
fn a_disk_that_fills_is_told_and_holds_nothing_up() {
    if !is_root() {
        return;
    }
    let disk = Disk::new();
    let mut product = Product::start(&Options {
        demo: true,
        data: Some(disk.path().join("data")),
        ..Options::default()
    });
    eventually("flows arrive", || product.newest_ms());

    disk.resize(100);
    says(&product, "is nearly full");
    eventually("the store refuses", || {
        product
            .metric("flowlogs-pipeline", "netobserv_loki_batch_retries_total")
            .filter(|retries| *retries > 0)
    });
    assert!(product.newest_ms().is_some(), "flows can still be read");

    disk.resize(1024);
    says(&product, "has room again");
    let known = eventually("the API answers", || product.newest_ms());
    eventually("newer flows are kept", || {
        product.newest_ms().filter(|time| *time > known)
    });

    disk.resize(100);
    let retries = || product.metric("flowlogs-pipeline", "netobserv_loki_batch_retries_total");
    let before = retries().unwrap();
    eventually("the store refuses again", || {
        retries().filter(|now| *now > before)
    });
    let started = Instant::now();
    assert_eq!(product.stop().code(), Some(0));
    let took = started.elapsed();
    assert!(took < STOP_LIMIT, "the stop took {took:?}");
    let said = product.terminal();
    assert!(!said.contains("was killed"), "{said}");
}
