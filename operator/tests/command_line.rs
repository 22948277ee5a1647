//! The binary as a shell sees it: exit codes, and what it says when it cannot start.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::{Command, Output};

fn manager(argument: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_manager"))
        .arg(argument)
        .env("KUBECONFIG", "/nowhere/kubeconfig")
        .output()
        .unwrap()
}

#[test]
fn a_wrong_command_line_is_not_a_failure_to_start() {
    for (argument, code, says) in [
        ("--no-such-flag", 2, "no-such-flag"),
        ("--leader-elect=perhaps", 2, "neither true nor false"),
        ("--namespace=", 2, "--namespace is empty"),
        ("--console-plugin-images=", 2, "--console-plugin-images"),
        ("--metrics-bind-address=here", 2, "--metrics-bind-address"),
        ("--webhook-bind-address=here", 2, "--webhook-bind-address"),
        (
            "--health-probe-bind-address=x",
            2,
            "--health-probe-bind-address",
        ),
        ("--namespace=n", 1, "set KUBECONFIG"),
    ] {
        let output = manager(argument);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{argument}: {said}");
        assert!(said.contains(says), "{argument}: {said}");
    }
}

/// An error and its cause once said the same twice.
#[test]
fn why_it_cannot_start_is_said_once() {
    let output = manager("--namespace=n");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said.matches("No such file").count(), 1, "{said}");
}
