//! What a packet costs in the kernel, and an exported flow in user space. Root; `cargo bench --bench datapath`.
//!
//! Kernel figures are the kernel's own accounting (`BPF_ENABLE_STATS`). All programs of a table see the same packets at the
//! same interface in turn, over and over, and a row is the median of its turns: so the ratios hold on a busy machine too,
//! and most of what an empty program costs is the accounting itself.
#![allow(clippy::unwrap_used, reason = "a benchmark fails loudly")]

#[path = "../../tests/support/support.rs"]
mod support;

mod eviction;
mod kernel;
mod round_trip_time;
mod traffic;

use aya::sys::{Stats, enable_stats};
use netobserv_ebpf_agent::kernel::Settings;
use support::{agent::settings, is_privileged};

fn main() {
    if !is_privileged() {
        return;
    }
    let _accounting = enable_stats(Stats::RunTime).unwrap();
    let plain = Settings {
        cache_max_flows: 20_000,
        ..settings()
    };
    let dns = Settings {
        dns_port: Some(53),
        ..plain
    };
    let rtt = Settings { rtt: true, ..plain };
    let both = Settings { rtt: true, ..dns };
    let sampling = Settings {
        sampling: 50,
        ..plain
    };
    println!("kernel, ns per packet of a known flow, 64-byte frames, ingress TCX");
    let all = [
        ("plain", plain),
        ("rtt", rtt),
        ("dns", dns),
        ("rtt, dns", both),
        ("sampling 50", sampling),
    ];
    for (flows, name) in [(1, "UDP, 1 flow"), (4096, "UDP, 4096 flows")] {
        kernel::table(name, &traffic::udp(flows), &all);
    }
    for (name, frames) in [
        ("TCP, 4096 flows", traffic::tcp(4096)),
        ("IPv6 UDP, 4096 flows", traffic::ipv6(4096)),
        // Copied piece by piece, and passed over by the bare one.
        ("UDP, 1 flow, two VLAN tags", traffic::tagged()),
    ] {
        kernel::table(name, &frames, &all[..1]);
    }
    for flows in [1, 4096] {
        let name = format!("DNS responses, {flows} flows");
        kernel::table(&name, &traffic::dns(flows), &[all[0], all[2]]);
    }
    round_trip_time::row();
    println!("\nuser space, CPU ns per flow, and memory: swap, drain, encode");
    for flows in [1000, 20_000, 100_000] {
        eviction::row(flows, None);
    }
    eviction::row(100_000, Some(53));
}
