#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::interfaces::model::NetnsId;
use crate::kernel::abi::DNS_NAME_MAX;

struct Unnamed;

impl Names for Unnamed {
    fn name(&mut self, _: NetnsId, _: u32, _: [u8; 6]) -> &'static str {
        "unknown"
    }
}

#[derive(Default)]
struct Batches(Vec<u32>);

impl Sink for Batches {
    fn offer(&mut self, batch: EncodedBatch) {
        self.0.push(batch.records);
    }
}

const CLOCK: Clock = Clock {
    wall_ns: 1_700_000_000_000_000_000,
    monotonic_ns: 1_000_000_000,
};

fn evictor() -> Evictor<Unnamed, Batches> {
    let settings = EvictSettings {
        agent_ip: None,
        message_flows_max: 10,
        stale_after: Duration::from_secs(5),
    };
    Evictor::new(&settings, Unnamed, Batches::default())
}

fn key(port: u32) -> FlowKey {
    FlowKey {
        ports: port,
        ..FlowKey::default()
    }
}

fn dns(id: u16) -> DnsValue {
    DnsValue {
        start_ns: 1,
        end_ns: 2,
        latency_ns: 3,
        id,
        flags: 0x8180,
        errno: 0,
        name: [0; DNS_NAME_MAX],
    }
}

#[test]
fn dns_data_waits_one_eviction_for_its_flow_and_then_goes_alone() {
    let mut evictor = evictor();
    evictor.dns.insert(key(1), dns(1));
    let mut evicted = Evicted::default();
    evictor.hand_over(&CLOCK, &mut evicted);
    assert_eq!(evicted.records, 0, "its flow may be in the next generation");
    assert_eq!(evictor.early_dns.len(), 1);
    evictor.hand_over(&CLOCK, &mut evicted);
    assert_eq!(evicted.records, 1);
    assert_eq!(evictor.sink.0, [1]);
    evictor.hand_over(&CLOCK, &mut evicted);
    assert_eq!(evicted.records, 1, "once");
}

#[test]
fn a_flow_takes_the_dns_data_of_its_generation_before_what_came_early() {
    let (mut now, mut early) = (HashMap::new(), HashMap::new());
    now.insert(key(1), dns(1));
    early.insert(key(1), dns(2));
    early.insert(key(2), dns(3));
    assert_eq!(
        take(&mut now, &mut early, &key(1)).map(|dns| dns.id),
        Some(1)
    );
    assert_eq!(
        take(&mut now, &mut early, &key(2)).map(|dns| dns.id),
        Some(3)
    );
    assert_eq!(take(&mut now, &mut early, &key(3)), None);
    assert!(
        now.is_empty() && early.is_empty(),
        "nothing is handed out twice"
    );
}
