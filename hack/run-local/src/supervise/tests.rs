#![allow(clippy::unwrap_used, reason = "tests")]
use super::*;

fn shell(script: &str, log: PathBuf) -> Program {
    Program {
        name: "shell",
        path: PathBuf::from("/bin/sh"),
        arguments: vec!["-c".to_owned(), script.to_owned()],
        environment: vec![("GREETING".to_owned(), "hello".to_owned())],
        user: None,
        log: Some(log),
        stops_by_input: false,
        grace: Duration::from_secs(30),
    }
}

#[test]
fn a_program_that_dies_is_started_again_and_stop_lets_it_drain() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mark = folder.path().join("mark");
    let script = format!(
        "if [ -e {mark} ]; then trap 'echo drained; exit 0' TERM; echo second $GREETING; while :; do sleep 0.05; done; \
         else touch {mark}; exit 7; fi",
        mark = mark.display()
    );
    let mut supervisor = Supervisor::new();
    supervisor.add(shell(&script, log.clone())).unwrap();
    let sender = supervisor.sender();
    let watched = log.clone();
    std::thread::spawn(move || {
        let deadline = Instant::now() + Duration::from_mins(1);
        while !logs::tail(&watched, 0, 1).contains("second hello") && Instant::now() < deadline {
            std::thread::yield_now();
        }
        sender.send(Event::Stop).unwrap();
    });
    supervisor.watch(|| {});
    assert!(supervisor.stop().is_empty());
    let deadline = Instant::now() + Duration::from_secs(30);
    while logs::tail(&log, 0, 1) != "drained" {
        assert!(Instant::now() < deadline, "{}", logs::tail(&log, 0, 5));
    }
}

#[test]
fn a_program_that_ends_before_it_is_ready_is_an_error_with_its_last_words() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    std::fs::write(&log, "words of an earlier run\n").unwrap();
    let mut supervisor = Supervisor::new();
    supervisor
        .add(shell("echo no privilege; exit 3", log.clone()))
        .unwrap();
    let error = supervisor
        .wait_ready(vec![("shell", || false)], Duration::from_secs(30))
        .unwrap_err()
        .to_string();
    assert_eq!(error, "shell did not start (exit code 3): no privilege");
}

#[test]
fn a_stop_during_the_start_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut supervisor = Supervisor::new();
    supervisor
        .add(shell("exec sleep 1000", folder.path().join("log")))
        .unwrap();
    supervisor.sender().send(Event::Stop).unwrap();
    let is_ready = supervisor
        .wait_ready(vec![("shell", || false)], Duration::from_secs(30))
        .unwrap();
    assert!(!is_ready);
    assert!(supervisor.stop().is_empty());
}

#[test]
fn a_program_that_does_not_stop_is_killed_after_its_grace() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut program = shell(
        "trap '' TERM; echo up; while :; do sleep 0.05; done",
        log.clone(),
    );
    program.grace = Duration::from_millis(100);
    let mut supervisor = Supervisor::new();
    supervisor.add(program).unwrap();
    supervisor
        .wait_ready(
            vec![("shell", move || logs::tail(&log, 0, 1) == "up")],
            Duration::from_secs(30),
        )
        .unwrap();
    assert_eq!(
        supervisor.stop(),
        ["shell was killed before it had stopped"]
    );
}

#[test]
fn a_second_stop_hurries_a_program_that_is_stopped_by_its_input() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    // As the guard, it takes a moment to end what it has started.
    let script =
        "echo up; read line; echo asked; read line || { sleep 0.2; echo hurried; }; exit 0";
    let mut program = shell(script, log.clone());
    program.stops_by_input = true;
    let mut supervisor = Supervisor::new();
    supervisor.add(program).unwrap();
    let (sender, watched) = (supervisor.sender(), log.clone());
    let second = std::thread::spawn(move || {
        let deadline = Instant::now() + Duration::from_secs(30);
        while logs::tail(&watched, 0, 1) != "asked" && Instant::now() < deadline {
            std::thread::yield_now();
        }
        let asked = logs::tail(&watched, 0, 5);
        sender.send(Event::Stop).unwrap();
        asked
    });
    assert!(supervisor.stop().is_empty());
    assert_eq!(second.join().unwrap(), "up\nasked");
    let deadline = Instant::now() + Duration::from_secs(30);
    while logs::tail(&log, 0, 1) != "hurried" {
        assert!(Instant::now() < deadline, "{}", logs::tail(&log, 0, 5));
    }
}
