//! Evictions when memory is short. The only test of its program, since the limit is the process's.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "support/support.rs"]
mod support;

use std::{collections::HashSet, fs};

use netobserv_ebpf_agent::kernel::Settings;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use support::{
    agent::{Agent, lost_packets, settings},
    frames::numbered,
    is_privileged,
    netns::{Namespace, veth},
};

const FLOWS: u32 = 20_000;
/// Enough for what an eviction needs besides, too little for the flows.
const SPARE: u64 = 1 << 20;

fn address_space() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = pages.split(' ').next().unwrap().parse().unwrap();
    pages
        * nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE)
            .unwrap()
            .unwrap() as u64
}

/// Does `work` while the process may have next to no more memory.
fn short_of_memory<T>(work: impl FnOnce() -> T) -> T {
    let (limit, hard) = getrlimit(Resource::RLIMIT_AS).unwrap();
    setrlimit(Resource::RLIMIT_AS, address_space() + SPARE, hard).unwrap();
    let answer = work();
    setrlimit(Resource::RLIMIT_AS, limit, hard).unwrap();
    answer
}

#[test]
fn an_eviction_that_fails_tells_what_was_lost_and_the_next_has_every_flow_once() {
    if !is_privileged() {
        return;
    }
    let (watched, peer) = (Namespace::new(1), Namespace::new(2));
    veth((&watched, "a"), (&peer, "b"));
    let mut agent = Agent::start(&Settings {
        cache_max_flows: FLOWS,
        ..settings()
    });
    agent.attach(&watched.interface("a"));
    let sender = watched.frame_sender("a");
    let send = |flows: std::ops::Range<u32>| {
        for flow in flows {
            sender.send(&numbered(flow, 10));
        }
    };
    // Three too many.
    send(0..FLOWS + 3);

    let failed = short_of_memory(|| agent.try_evict());
    let error = failed.1.unwrap_err().to_string();
    assert!(error.starts_with("mmap on kernel map ENTRIES"), "{error}");
    assert_eq!(lost_packets(&failed.0.counters), 3);
    assert_eq!(agent.take().len(), 0);

    // Meanwhile the programs have the other generation.
    send(FLOWS..FLOWS + 100);
    agent.evict();
    assert_eq!(agent.take().len(), FLOWS as usize);

    // At the end what cannot be read is told, of both generations.
    agent.evict();
    assert_eq!(agent.take().len(), 100);
    send(0..FLOWS);
    assert!(short_of_memory(|| agent.try_evict()).1.is_err());
    send(0..10);
    assert_eq!(short_of_memory(|| agent.finish()), u64::from(FLOWS) + 10);
    assert_eq!(agent.take().len(), 0);
    assert_eq!(agent.finish(), 0);
    assert_eq!(agent.take().len(), FLOWS as usize + 10);

    send(FLOWS..FLOWS + 100);
    let (records, counters) = agent.stop();
    let keys: HashSet<_> = records
        .iter()
        .map(|record| format!("{:?}", record.network))
        .collect();
    assert_eq!((records.len(), keys.len()), (100, 100));
    assert_eq!(lost_packets(&counters), 3);
}
