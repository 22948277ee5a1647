#![allow(clippy::unwrap_used, reason = "tests")]
use tempfile::TempDir;

use super::*;

/// Longer than somebody who asks holds the lock, and far shorter than the wait for it.
const AN_INSTANT: Duration = Duration::from_millis(100);

#[test]
fn a_server_that_somebody_asks_about_can_be_held_and_one_that_runs_cannot() {
    let folder = TempDir::new().unwrap();
    let environment = Environment {
        folder: folder.path().to_owned(),
    };
    let server = server::find("etcd").unwrap();
    fs::create_dir_all(folder.path().join(server.name)).unwrap();
    let file = File::create(folder.path().join(server.name).join("lock")).unwrap();
    let asked = Flock::lock(file, FlockArg::LockSharedNonblock).unwrap();
    let asking = std::thread::spawn(move || {
        std::thread::park_timeout(AN_INSTANT);
        drop(asked);
    });

    let held = environment.hold(server);
    asking.join().unwrap();
    assert!(held.is_ok(), "{:?}", held.err());
    assert!(environment.is_held(server));
    let second = environment.hold(server).err().unwrap().to_string();
    assert!(second.contains("etcd runs already"), "{second}");
    drop(held);
    assert!(!environment.is_held(server));
}

#[test]
fn a_server_that_is_starting_is_stopped() {
    let folder = TempDir::new().unwrap();
    let environment = Environment {
        folder: folder.path().to_owned(),
    };
    let server = server::find("etcd").unwrap();
    let held = folder.path().join(server.name);
    fs::create_dir_all(&held).unwrap();
    // In place of a supervisor: it holds the lock and is not ready.
    let mut supervisor = Command::new("flock")
        .arg("--no-fork")
        .arg(held.join("lock"))
        .args(["sleep", "600"])
        .spawn()
        .unwrap();
    let state = State {
        supervisor: supervisor.id() as i32,
        ..State::default()
    };
    fs::write(held.join("state.json"), serde_json::to_vec(&state).unwrap()).unwrap();
    assert!(poll::until(START_LIMIT, || environment.is_held(server)));
    environment.stop(&[], false).unwrap();
    assert!(!supervisor.wait().unwrap().success());
    assert!(!environment.is_held(server));
}
