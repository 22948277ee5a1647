//! The datapath thread's work on the real kernel: the loaded programs, the evictor, and what both have to report.
//!
//! **Invariant:** an eviction that fails is counted and told, and the next one goes on.

use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, warn};

use super::Datapath;
use crate::evict::{Evicted, Eviction, Evictor, Sink};
use crate::exporters::BatchSender;
use crate::flow::{EncodedBatch, Names};
use crate::interfaces::model::{Interface, InterfaceKey, NetnsId};
use crate::interfaces::names::NameReader;
use crate::kernel::abi::Counter;
use crate::kernel::{self, AttachKind, Counters};
use crate::metrics::{Metrics, Severity};
use crate::telemetry::limit::Limit;

/// How often to tell each cause of lost packets.
const LOSS_LINE_PERIOD: Duration = Duration::from_mins(1);
const SOURCE: &str = "flow-fetcher";
/// Flows that no eviction could read before the end.
const CANNOT_READ: &str = "CannotReadFlowsHashMap";

/// A kernel counter that is a loss.
struct Loss {
    counter: Counter,
    reason: &'static str,
    /// What the log says of it, if packets were lost and not only their DNS data.
    line: Option<&'static str>,
}

const LOSSES: [Loss; 4] = [
    Loss {
        counter: Counter::CreateFlowFailed,
        reason: "CannotCreateFlowsHashMap",
        line: Some("the flow table was full; raise CACHE_MAX_FLOWS or lower CACHE_ACTIVE_TIMEOUT"),
    },
    Loss {
        counter: Counter::PlaceFlowFailed,
        reason: "CannotPlaceFlowsHashMap",
        line: Some("their flows' places in the flow table were taken; a restart places flows anew"),
    },
    Loss {
        counter: Counter::UpdateFlowFailed,
        reason: "CannotUpdateFlowsHashMap",
        line: Some("the kernel programs found no flow table; restart the agent"),
    },
    Loss {
        counter: Counter::UpdateDnsFailed,
        reason: "CannotUpdateDNSHashMap",
        line: None,
    },
];

impl Names for NameReader {
    fn name(&mut self, netns: NetnsId, index: u32) -> &str {
        NameReader::name(self, netns, index)
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
    /// Of the lines of [`LOSSES`].
    limits: [Limit; LOSSES.len()],
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
            limits: [const { Limit::new(LOSS_LINE_PERIOD) }; LOSSES.len()],
        }
    }

    fn report(&mut self, evicted: &Evicted) {
        let metrics = &self.metrics;
        metrics.evicted("hashmap", evicted.flows);
        metrics.map_read_seconds(evicted.duration.as_secs_f64());
        metrics.buffer_size("flowmap", evicted.flows as usize);
        metrics.buffer_size("dnsmap", evicted.dns as usize);
        metrics.buffer_size("merged-maps", evicted.flows as usize);
        // The kernel's totals never go back, so nothing is lost between reading and resetting them.
        let grown = |counter| {
            evicted
                .counters
                .get(counter)
                .saturating_sub(self.counted.get(counter))
        };
        for (loss, limit) in LOSSES.iter().zip(&self.limits) {
            let lost = grown(loss.counter);
            if lost == 0 {
                continue;
            }
            metrics.dropped(SOURCE, loss.reason, lost);
            if let Some(line) = loss.line
                && let Some(packets) = limit.add(lost)
            {
                warn!(packets, "packets not counted: {line}");
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
        self.counted = evicted.counters;
        debug!(flows = evicted.flows, took = ?evicted.duration, "evicted");
    }

    fn report_result(&mut self, (evicted, result): &Eviction) {
        self.report(evicted);
        if let Err(error) = result {
            warn!("eviction: {error}");
            self.metrics
                .error(SOURCE, "CannotDeleteFlows", Severity::High);
        }
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
        let eviction = self.evictor.evict(&mut self.datapath);
        self.report_result(&eviction);
    }

    fn finish(&mut self) {
        for error in self.datapath.detach_all() {
            warn!("{error}");
        }
        self.evictor.names().refresh();
        let (evictions, left) = self.evictor.finish(&mut self.datapath);
        for eviction in &evictions {
            self.report_result(eviction);
        }
        match left {
            Ok(0) => {}
            Ok(flows) => {
                self.metrics.dropped(SOURCE, CANNOT_READ, flows);
                warn!(flows, "flows lost: they could not be read before the end");
            }
            Err(error) => warn!("cannot tell how many flows are lost: {error}"),
        }
    }
}
