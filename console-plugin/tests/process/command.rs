//! The binary as users and scripts meet it: flags, exit codes, one clear line for what is wrong.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::process::run;

const DEADLINE: Duration = Duration::from_mins(1);

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn write_config(folder: &Path, port: u16, more: &str) -> String {
    let path = folder.join("console.yaml");
    let text = format!(
        "server: {{port: {port}, address: 127.0.0.1, metricsPort: 0, metricsAddress: 127.0.0.1, authCheck: none}}\n\
         store: {{path: {}, listen: \"127.0.0.1:0\"}}\n{more}",
        folder.join("store").display()
    );
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn version_and_help_are_told() {
    let output = run(&["--version"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.starts_with(&format!(
            "plugin-backend {} (commit ",
            env!("CARGO_PKG_VERSION")
        )),
        "{text}"
    );
    let text = String::from_utf8_lossy(&run(&["-v"]).stdout).into_owned();
    assert!(
        text.starts_with("netobserv-console-plugin [build version: "),
        "{text}"
    );
    let text = String::from_utf8_lossy(&run(&["--help"]).stdout).into_owned();
    assert!(
        text.contains("-config FILE") && text.contains("store"),
        "{text}"
    );
    assert_eq!(run(&["-nonsense"]).status.code(), Some(2));
}

#[test]
fn what_is_wrong_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = write_config(folder.path(), port, "");
    let output = run(&["-config", &config]);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text.contains(&format!(
            "127.0.0.1:{port} for page and API: the port is taken by "
        )),
        "{text}"
    );
    assert!(
        text.contains(&format!("(process {})", std::process::id())),
        "{text}"
    );
    assert!(
        !folder.path().join("store").exists(),
        "nothing is left behind"
    );

    let output = run(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("pass -config"),
        "{}",
        stderr(&output)
    );

    let blocked = folder.path().join("file");
    std::fs::write(&blocked, "").unwrap();
    let config = write_config(&blocked.with_file_name(""), 0, "");
    let text = std::fs::read_to_string(&config)
        .unwrap()
        .replace("/store", "/file/store");
    std::fs::write(&config, text).unwrap();
    let output = run(&["-config", &config]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("file/store"),
        "{}",
        stderr(&output)
    );
    assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));

    for arguments in [&["-config", "/none.yaml"][..], &["store", "list", "/none"]] {
        let text = stderr(&run(arguments));
        assert_eq!(text.matches("No such file").count(), 1, "said once: {text}");
    }
}

#[test]
fn a_closed_log_costs_the_text_and_not_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let config = write_config(folder.path(), 0, "");
    for (arguments, expected) in [
        (&["-config", "/nonexistent.yaml"][..], 1),
        (&["-config", &config, "--check"][..], 0),
    ] {
        // Nothing can be written to it: every write fails with ENOSPC.
        let full = || std::fs::OpenOptions::new().write(true).open("/dev/full");
        let status = Command::new(env!("CARGO_BIN_EXE_plugin-backend"))
            .args(arguments)
            .stdout(full().unwrap())
            .stderr(full().unwrap())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(expected), "{arguments:?}");
    }
}

#[test]
fn a_configuration_can_be_checked_without_serving() {
    let folder = tempfile::tempdir().unwrap();
    let config = write_config(folder.path(), 0, "");
    assert_eq!(run(&["-config", &config, "--check"]).status.code(), Some(0));
    let config = write_config(folder.path(), 0, "frontend: {colour: red}\n");
    let output = run(&["-config", &config, "--check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("frontend.colour"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn it_serves_until_it_is_asked_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let config = write_config(folder.path(), 0, "frontend: {colour: red}\n");
    let mut child = Command::new(env!("CARGO_BIN_EXE_plugin-backend"))
        .args(["-config", &config])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let log: Vec<String> = lines.map_while(Result::ok).take(2).collect();
    assert!(
        log[0].contains("unknown key") && log[0].contains("frontend.colour"),
        "{log:?}"
    );
    assert!(
        log[1].contains("serving") && log[1].contains("page=127.0.0.1:"),
        "{log:?}"
    );
    let process = child.id().to_string();
    assert!(
        Command::new("kill")
            .arg(&process)
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(wait(&mut child), Some(0));
    let store = folder.path().join("store").display().to_string();
    for (command, out, err) in [("list", 1, 0), ("verify", 1, 0), ("export", 0, 1)] {
        let output = run(&["store", command, &store]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let totals = |bytes: &[u8]| String::from_utf8_lossy(bytes).matches("0 damaged").count();
        assert_eq!(
            (totals(&output.stdout), totals(&output.stderr)),
            (out, err),
            "{command}: the totals are told once, apart from a CSV file"
        );
        // As `head` does once it has its lines.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Command::new(env!("CARGO_BIN_EXE_plugin-backend"))
            .args(["store", command, &store])
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(
            (output.status.code(), stderr(&output).as_str()),
            (Some(0), ""),
            "{command}: who reads no more costs nothing"
        );
    }
}

fn wait(child: &mut Child) -> Option<i32> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        assert!(started.elapsed() < DEADLINE, "it does not stop");
        std::thread::yield_now();
    }
}
