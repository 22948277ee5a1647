//! The flow table: one entry for each flow, whoever begins it, and nothing left of the flows before.

use std::{collections::HashSet, sync::Barrier, thread};

use aya::programs::{SchedClassifier, TcAttachType};

use crate::support::{
    agent::{Agent, bytes, lost_packets, packets, settings},
    frames::{self, Ip, numbered},
    is_privileged,
    netns::{Namespace, veth},
};
use netobserv_ebpf_agent::kernel::Settings;

#[test]
fn flows_that_two_processors_begin_at_once_are_one_record_each() {
    const FLOWS: u32 = 3000;
    const ROUNDS: u64 = 10;
    if !is_privileged() {
        return;
    }
    let (watched, peer) = (Namespace::new(1), Namespace::new(2));
    veth((&watched, "a"), (&peer, "b"));
    let mut agent = Agent::start(&Settings {
        // Of a flow that both begin, the entry of one is wasted.
        cache_max_flows: 2 * FLOWS,
        ..settings()
    });
    agent.attach(&watched.interface("a"));
    let frames: Vec<_> = (0..FLOWS).map(|flow| numbered(flow, 10)).collect();
    let length: u64 = frames.iter().map(|frame| frame.len() as u64).sum();
    for _ in 0..ROUNDS {
        let start = Barrier::new(2);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let sender = watched.frame_sender("a");
                    start.wait();
                    for frame in &frames {
                        sender.send(frame);
                    }
                });
            }
        });
        agent.evict();
        let records = agent.take();
        let sources: HashSet<_> = records
            .iter()
            .map(|record| format!("{:?}", record.network))
            .collect();
        assert_eq!((records.len(), sources.len()), (3000, 3000));
        assert!(records.iter().all(|record| record.packets == 2));
        assert_eq!(bytes(&records), 2 * length);
    }
    let (rest, counters) = agent.stop();
    assert_eq!((packets(&rest), lost_packets(&counters)), (0, 0));
}

#[test]
fn regular_addresses_do_not_meet_in_one_place() {
    if !is_privileged() {
        return;
    }
    let (watched, peer) = (Namespace::new(1), Namespace::new(2));
    veth((&watched, "a"), (&peer, "b"));
    let mut agent = Agent::start(&Settings {
        cache_max_flows: 66_000,
        ..settings()
    });
    agent.attach(&watched.interface("a"));
    let sender = watched.frame_sender("a");
    // Everyone in one small network talks to everyone in another, without ports.
    for near in 0..=255 {
        for far in 0..=255 {
            let (source, target) = ([10, 0, 0, near].into(), [10, 0, 1, far].into());
            let message = frames::icmp(8, 0, b"");
            let ip = Ip::default();
            sender.send(&frames::packet(
                &[],
                source,
                target,
                frames::ICMP,
                &message,
                ip,
            ));
        }
    }
    let (records, counters) = agent.stop();
    assert_eq!((records.len(), lost_packets(&counters)), (256 * 256, 0));
}

#[test]
fn a_generation_that_was_full_is_as_good_as_new() {
    if !is_privileged() {
        return;
    }
    let (watched, peer) = (Namespace::new(1), Namespace::new(2));
    veth((&watched, "a"), (&peer, "b"));
    let mut agent = Agent::start(&Settings {
        cache_max_flows: 50,
        ..settings()
    });
    agent.attach(&watched.interface("a"));
    let sender = watched.frame_sender("a");
    // Both generations, more than once, with other flows each time.
    for round in 0..5 {
        for flow in 0..80 {
            sender.send(&numbered(round * 100 + flow, 10));
        }
        agent.evict();
        assert_eq!(packets(&agent.take()), 50);
    }
    let (rest, counters) = agent.stop();
    assert_eq!((packets(&rest), lost_packets(&counters)), (0, 5 * 30));
}

#[test]
fn an_entry_knows_nothing_of_the_flow_that_had_it_before() {
    if !is_privileged() {
        return;
    }
    let (watched, peer) = (Namespace::new(1), Namespace::new(2));
    veth((&watched, "a"), (&peer, "b"));
    let mut agent = Agent::start(&Settings {
        dns_port: Some(53),
        ..settings()
    });
    agent.attach(&watched.interface("a"));
    agent.attach(&peer.interface("b"));
    let sender = watched.frame_sender("a");
    let message = b"\x12\x34\x81\x80\0\x01\0\0\0\0\0\0\x03www\x07example\x03com\0\0\x01\0\x01";
    let response = frames::packet(
        &[],
        "10.0.0.53".parse().unwrap(),
        "10.0.0.1".parse().unwrap(),
        frames::UDP,
        &frames::udp(53, 4000, message),
        Ip::default(),
    );
    // The first entry of either generation has everything, then a flow without anything.
    for _ in 0..2 {
        sender.send(&response);
        agent.evict();
        let [record] = &agent.take()[..] else {
            panic!("one flow");
        };
        assert_eq!(record.dns_name, "www.example.com");
        assert_eq!(record.dup_list.len(), 2);
    }
    agent.datapath.detach(peer.interface("b").key()).unwrap();
    for _ in 0..2 {
        sender.send(&numbered(1, 10));
        agent.evict();
        let [record] = &agent.take()[..] else {
            panic!("one flow");
        };
        assert_eq!((record.dns_id, record.dns_errno), (0, 0));
        assert_eq!(record.dns_name, "");
        assert_eq!(record.dup_list.len(), 1);
        assert_eq!((record.packets, record.flags), (1, 0));
    }
}

#[test]
fn the_verifier_is_far_from_its_limit() {
    // The kernel gives up at a million.
    const CEILING: u32 = 200_000;
    if !is_privileged() {
        return;
    }
    let (watched, peer) = (Namespace::new(1), Namespace::new(2));
    veth((&watched, "a"), (&peer, "b"));
    let mut agent = Agent::start(&Settings {
        cache_max_flows: 100_000,
        sampling: 50,
        dns_port: Some(5353),
        rtt: true,
        ..settings()
    });
    agent.attach(&watched.interface("a"));
    for hook in [TcAttachType::Ingress, TcAttachType::Egress] {
        let (_, programs) = watched.run(|| SchedClassifier::query_tcx("a", hook).unwrap());
        let processed = programs[0].verified_instruction_count().unwrap();
        eprintln!("{hook:?}: {processed} instructions processed");
        assert!(processed < CEILING, "{processed}");
    }
}
