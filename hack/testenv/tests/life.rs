//! Servers start, stop and end with their owner. With etcd, the quickest one to build and start.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(30);

fn testenv(folder: &Path, arguments: &[&str]) -> Output {
    let (command, rest) = arguments.split_first().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_testenv"))
        .arg(command)
        .arg("--at")
        .arg(folder)
        .args(rest)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    output
}

fn start(folder: &Path, owner: &Child) -> Value {
    let owner = owner.id().to_string();
    let output = testenv(folder, &["start", "--owner", &owner, "etcd"]);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn owner() -> Child {
    Command::new("sleep").arg("600").spawn().unwrap()
}

fn supervisor(folder: &Path) -> Pid {
    let state = std::fs::read(folder.join("etcd/state.json")).unwrap();
    let state: Value = serde_json::from_slice(&state).unwrap();
    Pid::from_raw(i32::try_from(state["supervisor"].as_i64().unwrap()).unwrap())
}

/// Whether something answers at the address that `start` printed.
fn answers(exports: &Value) -> bool {
    let address = exports["etcd.url"]
        .as_str()
        .unwrap()
        .trim_start_matches("http://")
        .to_owned();
    std::net::TcpStream::connect(address).is_ok()
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: not within {LIMIT:?}");
        std::thread::park_timeout(Duration::from_millis(25));
    }
}

fn end(mut owner: Child) {
    owner.kill().unwrap();
    owner.wait().unwrap();
}

#[test]
fn a_stopped_server_starts_again_on_its_port_and_remove_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let place = folder.path().join("environment");
    let owner = owner();
    let first = start(&place, &owner);
    assert!(answers(&first));
    assert_eq!(start(&place, &owner), first, "what runs is left running");

    testenv(&place, &["stop", "etcd"]);
    assert!(!answers(&first));
    let status = String::from_utf8(testenv(&place, &["status"]).stdout).unwrap();
    assert!(
        status
            .lines()
            .any(|line| line.starts_with("etcd ") && line.contains("stopped")),
        "{status}"
    );

    assert_eq!(start(&place, &owner), first, "the port is kept");
    testenv(&place, &["stop", "--remove"]);
    eventually("it is gone", || !answers(&first));
    assert!(!place.exists());
    end(owner);
}

#[test]
fn nothing_outlives_its_owner_or_its_supervisor() {
    let folder = TempDir::new().unwrap();
    let first_owner = owner();
    let exports = start(folder.path(), &first_owner);
    end(first_owner);
    eventually("it ends with its owner", || !answers(&exports));

    let second_owner = owner();
    let exports = start(folder.path(), &second_owner);
    kill(supervisor(folder.path()), Signal::SIGKILL).unwrap();
    eventually("it ends with its supervisor", || !answers(&exports));
    // And the place can be used again.
    start(folder.path(), &second_owner);
    testenv(folder.path(), &["stop"]);
    end(second_owner);
}

#[test]
fn several_environments_do_not_disturb_each_other() {
    let folders = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    let owner = owner();
    let exports: Vec<Value> = folders
        .iter()
        .map(|folder| start(folder.path(), &owner))
        .collect();
    assert_ne!(exports[0], exports[1]);
    testenv(folders[0].path(), &["stop"]);
    assert!(!answers(&exports[0]));
    assert!(answers(&exports[1]));
    testenv(folders[1].path(), &["stop", "--remove"]);
    end(owner);
}
