//! The times of flows, which the kernel programs take once per tick.

use std::time::{Duration, Instant, SystemTime};

use nix::time::{ClockId, clock_gettime};

use crate::support::{
    agent::{Agent, Record, settings},
    frames::numbered,
    is_privileged, let_pass,
    netns::{FrameSender, Namespace, veth},
};

/// The longest there is (CONFIG_HZ=100).
const TICK: Duration = Duration::from_millis(10);

/// How far the kernel's count of ticks may be behind now: by more than one where the processor that counts was held up, as
/// a virtual one is.
fn ticks_behind() -> Duration {
    let of = |clock| Duration::from(clock_gettime(clock).unwrap());
    // The coarse clock moves with the count. A time is kept in units of 66 us.
    let counted = of(ClockId::CLOCK_MONOTONIC_COARSE);
    let behind = of(ClockId::CLOCK_MONOTONIC).saturating_sub(counted);
    TICK.max(behind + Duration::from_micros(66))
}

/// An agent on an interface, and a sender out of it: a packet has been counted when its sending returns.
struct Bed {
    _namespaces: (Namespace, Namespace),
    agent: Agent,
    sender: FrameSender,
}

impl Bed {
    fn new() -> Self {
        let (watched, peer) = (Namespace::new(1), Namespace::new(2));
        veth((&watched, "a"), (&peer, "b"));
        let mut agent = Agent::start(&settings());
        agent.attach(&watched.interface("a"));
        let sender = watched.frame_sender("a");
        Self {
            _namespaces: (watched, peer),
            agent,
            sender,
        }
    }
}

fn start(record: &Record) -> SystemTime {
    record.time_flow_start.unwrap().try_into().unwrap()
}

fn end(record: &Record) -> SystemTime {
    record.time_flow_end.unwrap().try_into().unwrap()
}

#[test]
fn a_flow_never_ends_before_it_starts() {
    if !is_privileged() {
        return;
    }
    let bed = Bed::new();
    // The second packet comes in the tick of the first, whose exact time is later than that tick's.
    for flow in 0..2000 {
        bed.sender.send(&numbered(flow, 10));
        bed.sender.send(&numbered(flow, 10));
    }
    let (records, _) = bed.agent.stop();
    assert_eq!(records.len(), 2000);
    for record in &records {
        let duration = end(record).duration_since(start(record));
        assert!(duration.is_ok(), "{record:?}");
    }
}

#[test]
fn the_duration_of_a_flow_is_right_within_a_tick() {
    if !is_privileged() {
        return;
    }
    let mut bed = Bed::new();
    for pause in [0, 3, 25, 60].map(Duration::from_millis) {
        let before_first = Instant::now();
        bed.sender.send(&numbered(1, 10));
        let after_first = Instant::now();
        let_pass(pause);
        let before_last = Instant::now();
        let behind = ticks_behind();
        bed.sender.send(&numbered(1, 10));
        let after_last = Instant::now();
        bed.agent.evict();
        let [record] = &bed.agent.take()[..] else {
            panic!("one flow");
        };
        let duration = end(record).duration_since(start(record)).unwrap();
        assert!(
            duration <= after_last - before_first,
            "{duration:?} for {pause:?}"
        );
        assert!(
            duration + behind >= before_last - after_first,
            "{duration:?} for {pause:?}"
        );
    }
}
