//! From an empty folder to rows on the page, with the demo's traffic, and back to a clean machine.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use e2e::{Options, Product, eventually, free_port, get, is_root, process, repository};

/// From the start of the built programs to the first flow of the demo before a user's eyes.
const FIRST_ROW_LIMIT: Duration = Duration::from_secs(20);
/// The burst of the demo: 100 datagrams of 500 bytes; Ethernet, IPv4 and UDP headers add 42 bytes to each.
const BURST_FILTER: &str = "DstPort%3D7777";
const BURST_PACKETS: u64 = 100;
const BURST_BYTES: u64 = 100 * (500 + 42);

fn names(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command).args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A real browser that looks at the page as page.mjs tells it to, and says how far it has come.
struct Browser {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Browser {
    fn open(port: u16) -> Self {
        let screenshots = repository().join("console-plugin/web/screenshots");
        std::fs::create_dir_all(&screenshots).unwrap();
        let mut process = Command::new("node")
            .arg(repository().join("hack/e2e/page.mjs"))
            .arg(format!("http://127.0.0.1:{port}"))
            .arg(&screenshots)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    /// Waits until page.mjs says `step`; it has time limits of its own.
    fn reaches(&mut self, step: &str) {
        let line = self.lines.next().map(Result::unwrap);
        assert_eq!(line.as_deref(), Some(step), "see what page.mjs said above");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn demo_flows_reach_the_page_with_exact_counts_and_nothing_stays_behind() {
    if !is_root() {
        return;
    }
    let port = free_port();
    let mut browser = Browser::open(port);
    browser.reaches("browser is open");
    let started = Instant::now();
    let mut product = Product::start(&Options {
        demo: true,
        port: Some(port),
        ..Options::default()
    });
    browser.reaches("first row");
    let took = started.elapsed();
    eprintln!("first row after {took:.1?}");
    assert!(took <= FIRST_ROW_LIMIT, "the first row took {took:?}");

    let (status, page) = get(&product.url("/")).unwrap();
    assert_eq!(status, 200);
    assert!(page.contains("<div id="), "the page is served: {page}");

    let sum = |rows: &[serde_json::Value], field: &str| -> u64 {
        rows.iter().filter_map(|row| row[field].as_u64()).sum()
    };
    let rows = eventually("the whole burst is stored", || {
        product
            .records(BURST_FILTER)
            .filter(|rows| sum(rows, "Packets") >= BURST_PACKETS)
    });
    assert_eq!(sum(&rows, "Packets"), BURST_PACKETS);
    assert_eq!(sum(&rows, "Bytes"), BURST_BYTES);

    for (what, filter) in [
        ("DNS with a latency", "DnsLatencyMs%3E%3D1"),
        (
            "a round trip over the slow line",
            "TimeFlowRttNs%3E%3D20000000",
        ),
        ("ICMP", "Proto%3D1"),
        ("ICMPv6", "Proto%3D58"),
        ("IPv6 TCP", "Proto%3D6%26Etype%3D34525"),
        ("names of subnets", "SrcSubnetLabel%3D%22Demo%20shop%22"),
    ] {
        eventually(what, || {
            product.records(filter).filter(|rows| !rows.is_empty())
        });
    }

    // The same numbers, read off the page, and all three views drawn.
    browser.reaches("burst and views");

    let agent = product.program("netobserv-ebpf-agent").unwrap();
    let ours = process::kernel_programs(agent);
    assert!(!ours.is_empty(), "the agent has programs in the kernel");
    assert_eq!(product.stop().code(), Some(0));
    assert!(!process::is_alive(agent));
    assert_eq!(
        names("ip", &["netns", "list"])
            .matches("netobserv-demo")
            .count(),
        0
    );
    // The kernel frees programs a moment after their last link closes.
    eventually("no program of ours is left in the kernel", || {
        let programs = names("bpftool", &["prog", "show"]);
        let is_any_left = programs
            .lines()
            .filter_map(|line| line.split_once(':')?.0.parse().ok())
            .any(|id: u32| ours.contains(&id));
        (!is_any_left).then_some(())
    });
}
