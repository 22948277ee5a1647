//! The kernel side with eviction, and a collector that reads what an exporter would send.

use std::{net::IpAddr, time::Duration};

use netobserv_ebpf_agent::{
    config::{Anchor, AttachConfig, AttachMode, Direction},
    evict::{EvictSettings, Evicted, Eviction, Evictor, Sink},
    flow::{EncodedBatch, Names},
    interfaces::model::{Interface, NetnsId},
    kernel::{AttachKind, Counters, Datapath, FeatureStatus, Settings, abi::Counter},
};
use prost::Message as _;

#[allow(
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]
pub mod pbflow {
    tonic::include_proto!("pbflow");
}

pub use pbflow::Record;

/// Plain flows of both directions on TCX.
pub fn settings() -> Settings {
    Settings {
        cache_max_flows: 5000,
        sampling: 0,
        dns_port: None,
        rtt: false,
        attach: AttachConfig {
            direction: Direction::Both,
            mode: AttachMode::Tcx,
            attempts: 1,
            anchor_ingress: Anchor::None,
            anchor_egress: Anchor::None,
        },
    }
}

/// Calls an interface `namespace:index`.
#[derive(Default)]
pub struct Numbered(String);

impl Names for Numbered {
    fn name(&mut self, netns: NetnsId, index: u32) -> &str {
        self.0 = format!("{}:{index}", netns.0);
        &self.0
    }
}

/// Keeps everything.
#[derive(Default)]
pub struct Collector(pub Vec<Record>);

impl Sink for Collector {
    fn offer(&mut self, batch: EncodedBatch) {
        let decoded = pbflow::Records::decode(batch.body).unwrap();
        assert_eq!(decoded.entries.len(), batch.records as usize);
        self.0.extend(decoded.entries);
    }
}

fn new_evictor(stale_after: Duration) -> Evictor<Numbered, Collector> {
    let settings = EvictSettings {
        agent_ip: Some(IpAddr::from([192, 0, 2, 1])),
        message_flows_max: 10_000,
        stale_after,
    };
    Evictor::new(&settings, Numbered::default(), Collector::default())
}

pub struct Agent {
    pub datapath: Datapath,
    pub features: Vec<FeatureStatus>,
    evictor: Evictor<Numbered, Collector>,
}

impl Agent {
    pub fn start(settings: &Settings) -> Self {
        let (datapath, features) = Datapath::load(settings).unwrap();
        Self {
            datapath,
            features,
            evictor: new_evictor(Duration::from_secs(5)),
        }
    }

    /// For records that are still to come.
    pub fn forget_queries_after(&mut self, stale_after: Duration) {
        self.evictor = new_evictor(stale_after);
    }

    pub fn attach(&mut self, interface: &Interface) -> AttachKind {
        self.datapath.attach(interface).unwrap()
    }

    pub fn evict(&mut self) -> Evicted {
        let (evicted, result) = self.try_evict();
        result.unwrap();
        evicted
    }

    pub fn try_evict(&mut self) -> Eviction {
        self.evictor.evict(&mut self.datapath)
    }

    /// What the datapath thread does at its end: the flows that are left.
    pub fn finish(&mut self) -> u64 {
        self.evictor.finish(&mut self.datapath).1.unwrap()
    }

    /// All records since the last call.
    pub fn take(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.evictor.sink().0)
    }

    /// Detaches and evicts what is left.
    pub fn stop(mut self) -> (Vec<Record>, Counters) {
        assert!(self.datapath.detach_all().is_empty());
        self.evict();
        let counters = self.evict().counters;
        (self.take(), counters)
    }
}

pub fn lost_packets(counters: &Counters) -> u64 {
    [
        Counter::CreateFlowFailed,
        Counter::PlaceFlowFailed,
        Counter::UpdateFlowFailed,
    ]
    .map(|counter| counters.get(counter))
    .iter()
    .sum()
}

pub fn packets(records: &[Record]) -> u64 {
    records.iter().map(|record| record.packets).sum()
}

pub fn bytes(records: &[Record]) -> u64 {
    records.iter().map(|record| record.bytes).sum()
}
