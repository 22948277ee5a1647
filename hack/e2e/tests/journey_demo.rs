//! From an empty folder to rows on the page, with the demo's traffic, and back to a clean machine.

use std::process::Command;

use e2e::{Options, Product, eventually, get, is_root, repository};

/// The burst of the demo: 100 datagrams of 500 bytes; Ethernet, IPv4 and UDP headers add 42 bytes to each.
const BURST_FILTER: &str = "DstPort%3D7777";
const BURST_PACKETS: u64 = 100;
const BURST_BYTES: u64 = 100 * (500 + 42);

fn names(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command).args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The same numbers, read off the page in a real browser, and all three views drawn.
fn look_at_the_page(product: &Product) {
    let screenshots = repository().join("console-plugin/web/screenshots");
    std::fs::create_dir_all(&screenshots).unwrap();
    let status = Command::new("node")
        .arg(repository().join("hack/e2e/page.mjs"))
        .arg(product.url(""))
        .arg(&screenshots)
        .status()
        .unwrap();
    assert!(status.success(), "see what page.mjs said above");
}

#[test]
fn demo_flows_reach_the_api_with_exact_counts_and_nothing_stays_behind() {
    if !is_root() {
        return;
    }
    let product = Product::start(&Options {
        demo: true,
        ..Options::default()
    });

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

    look_at_the_page(&product);

    let agent = product.program("netobserv-ebpf-agent").unwrap();
    assert_eq!(product.stop().code(), Some(0));
    assert!(!std::path::Path::new(&format!("/proc/{agent}")).exists());
    assert_eq!(
        names("ip", &["netns", "list"])
            .matches("netobserv-demo")
            .count(),
        0
    );
    // The kernel frees programs a moment after their last link closes.
    eventually("no program of ours is left in the kernel", || {
        let programs = names("bpftool", &["prog", "show"]);
        (!programs.contains("flow_parse")).then_some(())
    });
}
