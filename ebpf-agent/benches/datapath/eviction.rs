//! What a flow costs in user space, in time and in memory.

use std::{fs, net::IpAddr, time::Duration};

use netobserv_ebpf_agent::{
    evict::{EvictSettings, Evictor, Sink},
    flow::EncodedBatch,
    kernel::{Datapath, Settings},
};
use nix::sys::resource::{UsageWho, getrusage};

use crate::support::{
    agent::{Numbered, settings},
    frames,
    netns::{Namespace, veth},
};

const EVICTIONS: usize = 5;

/// Takes batches as a fast exporter would.
struct Discard(u64);

impl Sink for Discard {
    fn offer(&mut self, batch: EncodedBatch) {
        self.0 += u64::from(batch.records);
    }
}

/// Prints what so many flows cost, with DNS tracking or without.
pub fn row(flows: u32, dns_port: Option<u16>) {
    let (watched, peer) = (Namespace::new(1), Namespace::new(2));
    veth((&watched, "a"), (&peer, "b"));
    let (mut datapath, _) = Datapath::load(&Settings {
        cache_max_flows: flows,
        dns_port,
        ..settings()
    })
    .unwrap();
    datapath.attach(&watched.interface("a")).unwrap();
    let sender = peer.frame_sender("b");
    let frames: Vec<_> = (0..flows).map(|flow| frames::numbered(flow, 0)).collect();
    let evict_settings = EvictSettings {
        agent_ip: Some(IpAddr::from([192, 0, 2, 1])),
        message_flows_max: 10_000,
        stale_after: Duration::from_secs(5),
    };
    let mut evictor = Evictor::new(&evict_settings, Numbered::default(), Discard(0));
    let before_kb = resident_kb("VmRSS");
    // The peak starts anew.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let mut user = Duration::ZERO;
    let mut system = Duration::ZERO;
    for _ in 0..EVICTIONS {
        for frame in &frames {
            sender.send(frame);
        }
        let before = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
        evictor.evict(&mut datapath).1.unwrap();
        let after = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
        user += elapsed(before.user_time(), after.user_time());
        system += elapsed(before.system_time(), after.system_time());
    }
    let records = evictor.sink().0;
    let per_flow = |time: Duration| time.as_nanos() as f64 / records as f64;
    println!(
        "{:<40} {:>7.0} user {:>7.0} system {:>7} kB more at the peak",
        format!(
            "{flows} flows an eviction{}",
            if dns_port.is_some() { ", DNS on" } else { "" }
        ),
        per_flow(user),
        per_flow(system),
        resident_kb("VmHWM") - before_kb,
    );
}

/// A line of the process's status: `VmRSS` is what is resident now, `VmHWM` the peak of that.
fn resident_kb(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn elapsed(before: nix::sys::time::TimeVal, after: nix::sys::time::TimeVal) -> Duration {
    use nix::sys::time::TimeValLike as _;
    Duration::from_micros((after - before).num_microseconds() as u64)
}
