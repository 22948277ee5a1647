//! What a user meets before anything runs: versions, help, and one clear line when something is in the way.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Output};

use e2e::{binary, repository};

const PROGRAMS: [&str; 3] = [
    "netobserv-ebpf-agent",
    "flowlogs-pipeline",
    "plugin-backend",
];

fn run_local(variables: &[(&str, &str)]) -> Output {
    Command::new(binary("run-local"))
        .env("NETOBSERV_ROOT", repository())
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

#[track_caller]
fn check_refused(variables: &[(&str, &str)], expected: &[&str]) {
    let output = run_local(variables);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{text}");
    for part in expected {
        assert!(text.contains(part), "{part:?} is missing in: {text}");
    }
    assert_eq!(text.trim().lines().count(), 1, "one line: {text}");
}

#[test]
fn all_programs_answer_version_and_help() {
    for program in PROGRAMS {
        let output = Command::new(binary(program))
            .arg("--version")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{program}");
        assert!(
            text.contains("0.1.0") && text.contains("commit"),
            "{program}: {text}"
        );
        let output = Command::new(binary(program))
            .arg("--help")
            .output()
            .unwrap();
        assert!(output.status.success(), "{program}");
        assert!(
            String::from_utf8_lossy(&output.stdout).contains("Usage"),
            "{program}"
        );
    }
}

#[test]
fn a_taken_port_is_refused_with_its_holder() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let holder = format!("process {}", std::process::id());
    check_refused(&[("PORT", &port)], &[&port, &holder, "PORT="]);
}

#[test]
fn a_data_folder_that_cannot_be_used_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().display().to_string();
    // Free a moment ago; were it taken again, the refusal would name it and not the folder.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port()
        .to_string();
    check_refused(&[("PORT", &port), ("DATA", &path)], &[&path, "DATA="]);
}
