//! The datapath thread's work on the real kernel: the loaded programs, the evictor, and what both have to report.
//!
//! **Invariant:** an eviction that fails is counted and told, and the next one goes on.

use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, warn};

use super::Datapath;
use crate::evict::{Evicted, Evictor, Sink};
use crate::exporters::BatchSender;
use crate::flow::{EncodedBatch, Names};
use crate::interfaces::model::{Interface, InterfaceKey, Mac, NetnsId};
use crate::interfaces::names::NameReader;
use crate::kernel::abi::Counter;
use crate::kernel::{self, AttachKind, Counters};
use crate::metrics::{Metrics, Severity};
use crate::telemetry::limit::Limit;

/// How often to say that the map was full.
const FULL_LINE_PERIOD: Duration = Duration::from_mins(1);
const SOURCE: &str = "flow-fetcher";

/// Kernel counters that are losses: their label, and whether a packet was lost or only its DNS data.
const LOSSES: [(Counter, &str, bool); 3] = [
    (Counter::CreateFlowFailed, "CannotCreateFlowsHashMap", true),
    (Counter::UpdateFlowFailed, "CannotUpdateFlowsHashMap", true),
    (Counter::UpdateDnsFailed, "CannotUpdateDNSHashMap", false),
];

impl Names for NameReader {
    fn name(&mut self, netns: NetnsId, index: u32, mac: Mac) -> &str {
        NameReader::name(self, netns, index, mac)
    }
}

impl Sink for BatchSender {
    fn offer(&mut self, batch: EncodedBatch) {
        BatchSender::offer(self, batch);
    }
}

/// See the module.
pub struct Worker {
    datapath: kernel::Datapath,
    evictor: Evictor<NameReader, BatchSender>,
    metrics: Arc<Metrics>,
    counted: Counters,
    full: Limit,
}

impl Worker {
    pub fn new(
        datapath: kernel::Datapath,
        evictor: Evictor<NameReader, BatchSender>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            datapath,
            evictor,
            metrics,
            counted: Counters::default(),
            full: Limit::new(FULL_LINE_PERIOD),
        }
    }

    fn report(&mut self, evicted: &Evicted) {
        let metrics = &self.metrics;
        metrics.evicted("hashmap", evicted.records);
        metrics.map_read_seconds(evicted.duration.as_secs_f64());
        metrics.buffer_size("flowmap", evicted.flows as usize);
        metrics.buffer_size("dnsmap", evicted.dns as usize);
        metrics.buffer_size("merged-maps", evicted.records as usize);
        // The kernel's totals never go back, so nothing is lost between reading and resetting them.
        let grown = |counter| {
            evicted
                .counters
                .get(counter)
                .saturating_sub(self.counted.get(counter))
        };
        let mut packets = 0;
        for (counter, reason, is_packet) in LOSSES {
            let lost = grown(counter);
            if lost > 0 {
                metrics.dropped(SOURCE, reason, lost);
                packets += if is_packet { lost } else { 0 };
            }
        }
        let missed = grown(Counter::ObservedInterfaceMissed);
        if missed > 0 {
            metrics.errors(
                SOURCE,
                "MaxObservedInterfacesReached",
                Severity::Low,
                missed,
            );
        }
        if packets > 0
            && let Some(packets) = self.full.add(packets)
        {
            warn!(
                packets,
                "packets not counted: a kernel map was full; raise CACHE_MAX_FLOWS or lower CACHE_ACTIVE_TIMEOUT"
            );
        }
        self.counted = evicted.counters;
        debug!(flows = evicted.flows, records = evicted.records, took = ?evicted.duration, "evicted");
    }

    fn report_result(&mut self, result: Result<Evicted, kernel::Error>) {
        match result {
            Ok(evicted) => self.report(&evicted),
            Err(error) => self.report_error(&error),
        }
    }

    fn report_error(&self, error: &kernel::Error) {
        warn!("eviction: {error}");
        self.metrics
            .error(SOURCE, "CannotDeleteFlows", Severity::High);
    }
}

impl Datapath for Worker {
    fn attach(&mut self, interface: &Interface) -> Result<AttachKind, kernel::Error> {
        self.datapath.attach(interface)
    }

    fn detach(&mut self, key: InterfaceKey) -> Result<AttachKind, kernel::Error> {
        self.datapath.detach(key)
    }

    fn evict(&mut self) {
        self.evictor.names().refresh();
        let result = self.evictor.evict(&mut self.datapath);
        self.report_result(result);
    }

    fn finish(&mut self) {
        for error in self.datapath.detach_all() {
            warn!("{error}");
        }
        self.evictor.names().refresh();
        for result in self.evictor.finish(&mut self.datapath) {
            self.report_result(result);
        }
    }
}
