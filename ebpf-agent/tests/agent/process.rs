//! The whole agent as a process: how it starts, refuses to start, and stops.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::collector::{Behaviour, Collector, pbflow};
use crate::isolation::{isolated, run};

const PATIENCE: Duration = Duration::from_mins(2);
const AGENT: &str = env!("CARGO_BIN_EXE_netobserv-ebpf-agent");
/// Free in a network namespace of one's own.
const METRICS_PORT: u16 = 9400;
/// Ethernet, IPv4 and UDP headers.
const HEADERS_LENGTH: u64 = 14 + 20 + 8;

fn agent(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(AGENT);
    command
        .env_clear()
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn output(command: &mut Command) -> (Option<i32>, String) {
    text(command.output().unwrap())
}

fn text(output: Output) -> (Option<i32>, String) {
    let (out, error) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    (output.status.code(), out + &error)
}

/// The body of an answer, if there is a server.
fn get(path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", METRICS_PORT)).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

#[allow(clippy::disallowed_methods, reason = "polls a process with a deadline")]
fn wait_until(what: &str, child: &mut Child, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(
            child.try_wait().unwrap().is_none(),
            "the agent has ended before {what}"
        );
        assert!(Instant::now() < deadline, "gave up waiting until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// An agent that does not outlive a test that fails.
struct Running(Option<Child>);

impl Running {
    fn child(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn terminate(mut running: Running) -> (Option<i32>, String) {
    run(&format!("kill -TERM {}", running.child().id()));
    text(running.0.take().unwrap().wait_with_output().unwrap())
}

/// A link with an address, and the agent watching it.
fn start_watching(target_port: u16, variables: &[(&str, &str)]) -> Running {
    run("ip link set lo up");
    run("ip link add watched type veth peer name peer");
    run("ip link set peer up");
    run("ip link set watched up");
    run("ip addr add 10.9.0.1/24 dev watched");
    run("ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev watched");
    let (target_port, metrics_port) = (target_port.to_string(), METRICS_PORT.to_string());
    let mut all = vec![
        ("AGENT_IP", "10.9.0.1"),
        ("TARGET_HOST", "127.0.0.1"),
        ("TARGET_PORT", &target_port),
        ("INTERFACES", "watched"),
        ("CACHE_ACTIVE_TIMEOUT", "1h"),
        ("METRICS_ENABLE", "true"),
        ("METRICS_SERVER_PORT", &metrics_port),
    ];
    all.extend(variables);
    let mut child = Running(Some(agent(&all).spawn().unwrap()));
    wait_until("it is ready", child.child(), || {
        get("/ready").is_some_and(|answer| answer.contains(" 200 OK"))
    });
    let attached = r#"ebpf_agent_iface_buffer_size{name="egress-tcx-links"} 1"#;
    wait_until("it watches", child.child(), || {
        get("/metrics").is_some_and(|answer| answer.contains(attached))
    });
    child
}

/// Sends this many datagrams of ten bytes out of the watched link.
fn send(datagrams: u64) {
    let socket = UdpSocket::bind("10.9.0.1:7000").unwrap();
    for _ in 0..datagrams {
        assert_eq!(socket.send_to(&[0; 10], "10.9.0.2:9").unwrap(), 10);
    }
}

fn in_runtime<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Records of the test's own datagrams.
fn ours(collector: &Collector) -> Vec<pbflow::Record> {
    let is_ours = |record: &pbflow::Record| {
        record
            .transport
            .as_ref()
            .is_some_and(|transport| transport.src_port == 7000)
    };
    collector
        .messages()
        .into_iter()
        .flatten()
        .filter(is_ours)
        .collect()
}

#[test]
fn a_signal_brings_a_last_eviction_and_nothing_is_missing() {
    isolated(|| {
        let collector = in_runtime(Collector::start(Behaviour::default()));
        let child = start_watching(collector.address.port(), &[]);
        send(50);
        let (code, log) = terminate(child);
        assert_eq!(code, Some(0), "{log}");
        let records = ours(&collector);
        assert_eq!(
            records.iter().map(|record| record.packets).sum::<u64>(),
            50,
            "{records:?}"
        );
        assert_eq!(
            records.iter().map(|record| record.bytes).sum::<u64>(),
            50 * (HEADERS_LENGTH + 10)
        );
        let names: Vec<_> = records
            .iter()
            .flat_map(|record| &record.dup_list)
            .map(|entry| &entry.interface)
            .collect();
        assert_eq!(names, ["watched"]);
        assert!(get("/live").is_none());
    });
}

#[test]
fn a_collector_that_stays_away_delays_the_end_only_as_long_as_it_may() {
    isolated(|| {
        let child = start_watching(1, &[("EXPORTER_DRAIN_TIMEOUT", "200ms")]);
        send(3);
        let (code, log) = terminate(child);
        assert_eq!(code, Some(0), "{log}");
        assert!(
            log.contains("the collector did not take everything within 0.2 s"),
            "{log}"
        );
        assert!(log.contains("reason=\"shutdown\""), "{log}");
    });
}

#[test]
fn a_new_namespace_is_watched_and_counted_apart() {
    isolated(|| {
        let collector = in_runtime(Collector::start(Behaviour::default()));
        // Names of namespaces go to a folder that only this test sees.
        run("mount -t tmpfs none /run");
        let child = start_watching(collector.address.port(), &[("INTERFACES", "/^watched/")]);
        run("ip netns add blue");
        run("ip -n blue link add watched1 type veth peer name peer1");
        run("ip -n blue link set peer1 up");
        run("ip -n blue link set watched1 up");
        let mut child = child;
        let both = r#"ebpf_agent_iface_buffer_size{name="egress-tcx-links"} 2"#;
        wait_until("it watches both", child.child(), || {
            get("/metrics").is_some_and(|answer| answer.contains(both))
        });
        run("ip netns del blue");
        let one = r#"ebpf_agent_iface_buffer_size{name="egress-tcx-links"} 1"#;
        wait_until("it lets go", child.child(), || {
            get("/metrics").is_some_and(|answer| answer.contains(one))
        });
        send(5);
        let (code, log) = terminate(child);
        assert_eq!(code, Some(0), "{log}");
        assert_eq!(
            ours(&collector)
                .iter()
                .map(|record| record.packets)
                .sum::<u64>(),
            5
        );
    });
}

/// Open descriptors and threads.
fn held(child: &Child) -> (usize, usize) {
    let entries = |folder| {
        std::fs::read_dir(format!("/proc/{}/{folder}", child.id()))
            .unwrap()
            .count()
    };
    (entries("fd"), entries("task"))
}

#[test]
fn fifty_namespaces_that_come_and_go_leave_nothing_in_the_process() {
    const NAMESPACES: usize = 50;
    isolated(|| {
        run("mount -t tmpfs none /run");
        let variables = [
            ("INTERFACES", "/^watched/"),
            ("EXPORTER_DRAIN_TIMEOUT", "200ms"),
        ];
        let mut child = start_watching(1, &variables);
        let wait_for = |child: &mut Child, interfaces: usize| {
            let line =
                format!(r#"ebpf_agent_iface_buffer_size{{name="egress-tcx-links"}} {interfaces}"#);
            wait_until("it watches as many as there are", child, || {
                get("/metrics").is_some_and(|answer| answer.lines().any(|found| found == line))
            });
        };
        let come_and_go = |child: &mut Child, namespaces: usize| {
            for number in 0..namespaces {
                run(&format!("ip netns add blue{number}"));
                run(&format!(
                    "ip -n blue{number} link add watched1 type veth peer name peer1"
                ));
                run(&format!("ip -n blue{number} link set peer1 up"));
                run(&format!("ip -n blue{number} link set watched1 up"));
            }
            wait_for(child, namespaces + 1);
            let most = held(child);
            for number in 0..namespaces {
                run(&format!("ip netns del blue{number}"));
            }
            wait_for(child, 1);
            most
        };
        // What the first one needs for good (shared maps, the folder's watch) is no leak.
        come_and_go(child.child(), 1);
        let before = held(child.child());
        let (descriptors, threads) = come_and_go(child.child(), NAMESPACES);
        assert!(descriptors > before.0 && descriptors < before.0 + 8 * NAMESPACES);
        assert!(
            threads < before.1 + NAMESPACES / 2,
            "a namespace needs no thread"
        );
        // A namespace's handle is closed after its last interface is let go.
        let deadline = Instant::now() + PATIENCE;
        // Connections come and go as well, so this is a bound and not the number.
        while held(child.child()).0 > before.0 + NAMESPACES / 10 {
            assert!(
                Instant::now() < deadline,
                "{:?}, before {before:?}",
                held(child.child())
            );
            std::thread::yield_now();
        }
        let (code, log) = terminate(child);
        assert_eq!(code, Some(0), "{log}");
        // At this level the log counts interfaces: dozens of them are not dozens of lines.
        assert!(log.contains("watching interfaces"), "{log}");
        assert!(!log.contains("watched1"), "{log}");
    });
}

#[test]
fn missing_capabilities_are_named() {
    isolated(|| {
        run("ip link set lo up");
        let mut command = Command::new("setpriv");
        command
            .args([
                "--bounding-set",
                "-bpf,-sys_admin",
                "--inh-caps",
                "-bpf,-sys_admin",
                AGENT,
            ])
            .env_clear();
        command
            .env("PATH", "/usr/sbin:/usr/bin")
            .env("AGENT_IP", "10.9.0.1");
        let (code, log) = output(
            command
                .env("TARGET_HOST", "127.0.0.1")
                .env("TARGET_PORT", "1"),
        );
        assert_eq!(code, Some(1), "{log}");
        let line = "cannot load kernel programs: missing CAP_BPF: run as root, or give the process these capabilities";
        assert!(log.contains(line), "{log}");
    });
}

#[test]
fn a_configuration_that_cannot_be_is_one_line_with_all_problems() {
    let (code, log) = output(&mut agent(&[
        ("EXPORT", "kafka"),
        ("CACHE_MAX_FLOWS", "many"),
    ]));
    assert_eq!(code, Some(1));
    assert_eq!(log.lines().count(), 1, "{log}");
    for part in [
        "can't load configuration from environment",
        "EXPORT: ",
        "CACHE_MAX_FLOWS: ",
    ] {
        assert!(log.contains(part), "{log}");
    }
}

#[test]
fn a_port_that_is_taken_is_said_before_anything_is_loaded() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let variables = [
        ("AGENT_IP", "10.9.0.1"),
        ("TARGET_HOST", "127.0.0.1"),
        ("TARGET_PORT", "1"),
        ("METRICS_ENABLE", "true"),
        ("METRICS_SERVER_ADDRESS", "127.0.0.1"),
        ("METRICS_SERVER_PORT", &port),
    ];
    let (code, log) = output(&mut agent(&variables));
    assert_eq!(code, Some(1), "{log}");
    assert!(
        log.contains("cannot listen on 127.0.0.1:") || log.contains("missing CAP_"),
        "{log}"
    );
    assert!(
        log.matches("os error").count() <= 1,
        "each cause once: {log}"
    );
}

#[test]
fn help_and_version_answer_without_configuration() {
    let (code, version) = output(agent(&[]).arg("--version"));
    assert_eq!(code, Some(0));
    assert!(
        version.starts_with("netobserv-ebpf-agent ") && version.contains("commit"),
        "{version}"
    );
    let (code, help) = output(agent(&[]).arg("--help"));
    assert_eq!(code, Some(0));
    for part in [
        "TARGET_HOST",
        "CACHE_MAX_FLOWS=5000",
        "not available in this version",
    ] {
        assert!(help.contains(part), "{part} is not in {help}");
    }
    assert_eq!(output(agent(&[]).arg("--interfaces")).0, Some(2));
}
