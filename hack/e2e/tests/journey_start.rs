//! What a user meets before anything runs: one clear line when something is in the way, and nothing left behind.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Output;

use e2e::{
    Options, PROGRAMS, Product, binary, command, eventually, foreign_header, free_port, is_root,
    repository,
};

fn run(program: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    command(program)
        .args(arguments)
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

/// A start and the check before the build refuse alike, with one line.
#[track_caller]
fn check_refused(variables: &[(&str, &str)], expected: &[&str]) {
    for arguments in [&[][..], &["check"]] {
        let output = run(&binary("run-local"), arguments, variables);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        for part in expected {
            assert!(text.contains(part), "{part:?} is missing in: {text}");
        }
        assert_eq!(text.trim().lines().count(), 1, "one line: {text}");
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
    let port = free_port().to_string();
    check_refused(&[("PORT", &port), ("DATA", &path)], &[&path, "DATA="]);
}

#[test]
fn a_wrong_variable_is_named_as_it_was_typed_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    for (name, value) in [
        ("PORT", "http"),
        ("LISTEN", "everywhere"),
        ("SAMPLING", "0"),
        ("DEMO", "maybe"),
        ("INTERFACES", "/(/"),
    ] {
        let typed = format!("{name}={value} is not ");
        check_refused(&[("DATA", data), (name, value)], &[&typed]);
    }
    assert!(!Path::new(data).exists());
}

#[test]
fn what_is_wrong_is_said_before_the_build() {
    let output = run(&repository().join("hack/run"), &[], &[("PORT", "http")]);
    let (said, error) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(output.status.code(), Some(1), "{said}{error}");
    assert!(error.contains("PORT=http is not a port"), "{error}");
    assert!(!said.contains("build: ebpf-agent"), "{said}");
}

#[test]
fn a_start_without_the_privilege_says_what_is_missing_in_one_line() {
    if !is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let program = binary("run-local");
    let dropped = "-bpf,-perfmon,-sys_admin";
    let output = run(
        Path::new("setpriv"),
        &[
            "--inh-caps",
            dropped,
            "--bounding-set",
            dropped,
            program.to_str().unwrap(),
        ],
        &[
            ("PORT", &free_port().to_string()),
            ("DATA", data.to_str().unwrap()),
        ],
    );
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("missing CAP_BPF"), "{text}");
    assert_eq!(text.trim().lines().count(), 1, "one line: {text}");
}

#[test]
fn a_stop_during_the_start_stops_what_was_started() {
    if !is_root() {
        return;
    }
    let mut product = Product::spawn(&Options::default());
    let first = eventually("the first program is started", || {
        assert!(!product.has_ended(), "run-local ended early");
        PROGRAMS.iter().find_map(|name| product.program(name))
    });
    let status = product.stop();
    let said = product.terminal();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.contains("stopping"), "{said}");
    assert!(!e2e::process::is_alive(first));
}

#[test]
fn a_page_that_others_can_reach_is_for_no_other_site_to_read() {
    if !is_root() {
        return;
    }
    let mut product = Product::start(&Options {
        listen: "0.0.0.0".to_owned(),
        interfaces: "no-such-one".to_owned(),
        ..Options::default()
    });
    for path in ["/", "/api/status", "/api/loki/flow/records"] {
        let allowed = foreign_header(&product.url(path), "access-control-allow-origin");
        assert_eq!(allowed, "", "{path}");
    }
    assert_eq!(product.stop().code(), Some(0));
}
