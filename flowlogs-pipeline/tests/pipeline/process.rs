//! The program as a process: what it prints, its exit codes, and how it stops.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::pipeline::{self, PATIENCE, send_over};
use flowlogs_pipeline::ingest::lines::LINE_BYTES_MAX;
use flowlogs_pipeline::ingest::protobuf::pbflow::{Record, Records};
use serde_json::json;
use tonic::Status;
use tonic::transport::Endpoint;

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowlogs-pipeline"));
    command.args(arguments).env_clear();
    command
}

/// Exit code, standard output, standard error.
fn output(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = program(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

fn config(folder: &Path, parameters: &serde_json::Value) -> PathBuf {
    let path = folder.join("config.json");
    let config = json!({
        "log-level": "debug",
        "metricsSettings": {"disableGlobalServer": true},
        "pipeline": [{"name": "out", "follows": "in"}],
        "parameters": parameters,
    });
    std::fs::write(&path, config.to_string()).unwrap();
    path
}

fn good(folder: &Path) -> PathBuf {
    config(
        folder,
        &json!([
        {"name": "in", "ingest": {"type": "grpc", "grpc": {"port": 0, "address": "127.0.0.1"}}},
        {"name": "out", "write": {"type": "stdout", "stdout": {"format": "json"}}}]),
    )
}

#[test]
fn the_version_names_the_commit() {
    let (code, shown, _) = output(&["--version"]);
    assert_eq!(code, Some(0));
    assert!(
        shown.starts_with("flowlogs-pipeline ") && shown.contains("commit"),
        "{shown}"
    );
    let (code, _, error) = output(&["--no-such-flag"]);
    assert_eq!(code, Some(1), "{error}");
}

#[test]
fn a_bad_configuration_is_refused_with_all_its_problems() {
    let folder = tempfile::tempdir().unwrap();
    let path = config(
        folder.path(),
        &json!([
        {"name": "in", "ingest": {"type": "grpc", "grpc": {"port": 0, "address": "nowhere"}}},
        {"name": "out", "write": {"type": "loki", "loki": {"url": ""}}}]),
    );
    let path = path.to_str().unwrap();
    for arguments in [&["--config", path][..], &["--config", path, "--check"]] {
        let (code, _, error) = output(arguments);
        assert_eq!(code, Some(1), "{error}");
        for expected in ["\"nowhere\" is not an IP address", "url", "2 problem(s)"] {
            assert!(error.contains(expected), "{expected} is not in\n{error}");
        }
    }
}

#[test]
fn a_check_passes_a_good_configuration_and_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = good(folder.path());
    let (code, shown, error) = output(&["--config", path.to_str().unwrap(), "--check"]);
    assert_eq!(
        (code, shown.as_str()),
        (Some(0), "the configuration is valid\n"),
        "{error}"
    );
}

#[test]
fn a_refusal_that_nobody_reads_still_has_its_exit_code() {
    let mut child = program(&["--config", "no-such-file"])
        .stdin(Stdio::piped())
        .stderr(closed_pipe())
        .spawn()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

/// An output whose reader has gone.
#[test]
fn lines_come_in_and_lines_go_out_until_the_end_of_the_input() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(
        folder.path(),
        &json!([
            {"name": "in", "ingest": {"type": "stdin"}},
            {"name": "out", "write": {"type": "stdout", "stdout": {"format": "json"}}}]),
    );
    let too_long = "x".repeat(LINE_BYTES_MAX + 1);
    let input = format!(
        "{{\"Bytes\": 1, \"TimeReceived\": 2}}\nno object\n\n{too_long}\n{{\"a\": null, \"TimeReceived\": 3}}"
    );
    let mut child = program(&["--config", config.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    let (shown, log) = (
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    );
    assert_eq!(status.code(), Some(0), "{log}");
    let records: Vec<serde_json::Value> = shown
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        records,
        [
            json!({"Bytes": 1, "TimeReceived": 2}),
            json!({"TimeReceived": 3})
        ]
    );
    assert_eq!(log.matches("line ignored").count(), 2, "{log}");
}

fn closed_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// The program with its standard output being read; killed when a test fails.
struct Running {
    child: Child,
    log: BufReader<ChildStderr>,
    url: String,
    shown: Option<JoinHandle<String>>,
}

impl Running {
    /// Starts it and learns its port from the log.
    fn start(config: &Path) -> Self {
        let mut child = program(&["--config", config.to_str().unwrap()])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let shown = std::thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).unwrap();
            text
        });
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut seen = String::new();
        let address = loop {
            let before = seen.len();
            assert!(log.read_line(&mut seen).unwrap() > 0, "ended early: {seen}");
            if let Some((_, rest)) = seen[before..].split_once("address=") {
                break rest.split_whitespace().next().unwrap().to_owned();
            }
        };
        let url = format!("http://{address}");
        Self {
            child,
            log,
            url,
            shown: Some(shown),
        }
    }

    async fn send(&self, records: usize) -> Result<(), Status> {
        let endpoint = Endpoint::from_shared(self.url.clone()).unwrap();
        let entries = vec![
            Record {
                bytes: 7,
                ..Default::default()
            };
            records
        ];
        send_over(endpoint, &Records { entries }).await
    }

    fn signal(&self, name: &str) {
        let process = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &process])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Exit code and how many records were written.
    fn end(&mut self) -> (Option<i32>, usize) {
        let shown = self.shown.take().unwrap().join().unwrap();
        let code = self.child.wait().unwrap().code();
        (
            code,
            shown
                .lines()
                .filter(|line| line.contains("\"Bytes\":7"))
                .count(),
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already if the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_drains_all_that_was_acknowledged() {
    for signal in ["-TERM", "-INT"] {
        let folder = tempfile::tempdir().unwrap();
        let mut running = Running::start(&good(folder.path()));
        for _ in 0..10 {
            running.send(1000).await.unwrap();
        }
        running.signal(signal);
        assert_eq!(running.end(), (Some(0), 10_000));
        let mut log = String::new();
        running.log.read_to_string(&mut log).unwrap();
        assert!(log.contains(": stopping"), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::start(&good(folder.path()));
    // From here on its log has no reader.
    running.log = {
        let mut other = Command::new("true").stderr(Stdio::piped()).spawn().unwrap();
        other.wait().unwrap();
        BufReader::new(other.stderr.take().unwrap())
    };
    let endpoint = Endpoint::from_shared(running.url.clone()).unwrap();
    // Malformed, which is logged.
    pipeline::call_over(endpoint, "/pbflow.Collector/Send", vec![0x0a, 0x05, 1])
        .await
        .unwrap_err();
    running.send(1000).await.unwrap();
    running.signal("-TERM");
    assert_eq!(running.end(), (Some(0), 1000));
}

#[test]
fn a_pipe_without_a_writer_does_not_hold_the_end_up() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("flows");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let config = config(
        folder.path(),
        &json!([
            {"name": "in", "ingest": {"type": "file", "file": {"filename": pipe}}},
            {"name": "out", "write": {"type": "none"}}]),
    );
    // Once nobody opens it, once it is opened and nothing comes.
    for is_opened in [false, true] {
        let mut child = program(&["--config", config.to_str().unwrap()])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Waits until the program has opened its end.
        let writer = is_opened.then(|| std::fs::File::options().write(true).open(&pipe).unwrap());
        signal_when_ready(&mut child);
        assert_eq!(child.wait().unwrap().code(), Some(0));
        drop(writer);
    }
}

/// Stops a program as soon as it listens to signals: it is asked until then.
fn signal_when_ready(child: &mut Child) {
    let deadline = Instant::now() + PATIENCE;
    let handled = format!("/proc/{}/status", child.id());
    let handles_term = || {
        let status = std::fs::read_to_string(&handled).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        u64::from_str_radix(caught.unwrap().trim(), 16).unwrap() & (1 << 14) != 0
    };
    while !handles_term() {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
    let process = child.id().to_string();
    let killed = Command::new("kill").args(["-TERM", &process]).status();
    assert!(killed.unwrap().success());
}

#[test]
fn a_metrics_port_that_is_taken_ends_the_start_unless_no_panic_is_set() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    for (no_panic, code) in [(false, 1), (true, 0)] {
        let config = json!({
            "metricsSettings": {"address": "127.0.0.1", "port": port, "noPanic": no_panic},
            "pipeline": [{"name": "out", "follows": "in"}],
            "parameters": [
                {"name": "in", "ingest": {"type": "stdin"}}, {"name": "out", "write": {"type": "none"}}],
        });
        std::fs::write(&path, config.to_string()).unwrap();
        let mut child = program(&["--config", path.to_str().unwrap()])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = String::new();
        let mut stderr = child.stderr.take().unwrap();
        stderr.read_to_string(&mut log).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{log}");
        assert!(log.contains(&port.to_string()), "{log}");
    }
}
