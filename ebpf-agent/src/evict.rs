//! Moves flows from the kernel to the exporter: swap, drain, encode, hand over.
//!
//! Called by the datapath thread every `CACHE_ACTIVE_TIMEOUT`, and once more when everything is detached. A swap waits
//! for running kernel programs, so this never runs on an async thread.
//!
//! **Invariant:** a generation is always drained to the end; what the exporter's queue has no room for is dropped
//! there, and counted by the [`Sink`], so a slow receiver never makes the kernel lose packets.

use std::{
    net::IpAddr,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::flow::{Clock, EncodedBatch, Encoder, Names, Record};
use crate::kernel::{Counters, Datapath, Error};

/// Evictions at the end, at most: two if nothing fails.
const FINISH_ATTEMPTS: usize = 10;

/// Where batches go.
pub trait Sink {
    /// Takes a batch, or drops and counts it; never waits.
    fn offer(&mut self, batch: EncodedBatch);
}

/// What eviction is told once.
#[derive(Clone, Copy, Debug)]
pub struct EvictSettings {
    pub agent_ip: Option<IpAddr>,
    /// Records in one message, `GRPC_MESSAGE_MAX_FLOWS`.
    pub message_flows_max: u32,
    /// Age at which an unanswered DNS query is forgotten, `STALE_ENTRIES_EVICT_TIMEOUT`.
    pub stale_after: Duration,
}

/// What one eviction did, and the first thing that failed.
pub type Eviction = (Evicted, Result<(), Error>);

/// What one eviction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evicted {
    /// Flows read from the kernel.
    pub flows: u64,
    /// Of these, the ones with DNS data.
    pub dns: u64,
    pub stale_dns_queries: u64,
    /// From before the swap to the last entry read.
    pub duration: Duration,
    /// Totals since the start, as last read.
    pub counters: Counters,
}

/// The state that eviction keeps from one time to the next.
pub struct Evictor<N, S> {
    encoder: Encoder,
    names: N,
    sink: S,
    stale_after: Duration,
    counters: Counters,
}

impl<N: Names, S: Sink> Evictor<N, S> {
    pub fn new(settings: &EvictSettings, names: N, sink: S) -> Self {
        Self {
            encoder: Encoder::new(settings.agent_ip, settings.message_flows_max),
            names,
            sink,
            stale_after: settings.stale_after,
            counters: Counters::default(),
        }
    }

    pub fn names(&mut self) -> &mut N {
        &mut self.names
    }

    pub fn sink(&mut self) -> &mut S {
        &mut self.sink
    }

    /// One eviction. Whatever fails, what was read has been handed over, what was not is left for the next eviction, and
    /// losses are told.
    pub fn evict(&mut self, datapath: &mut Datapath) -> Eviction {
        let started = Instant::now();
        let clock = read_clock();
        let mut evicted = Evicted::default();
        let drained = datapath
            .swap()
            .and_then(|()| self.drain(datapath, &clock, &mut evicted));
        evicted.duration = started.elapsed();
        if let Some(batch) = self.encoder.finish() {
            self.sink.offer(batch);
        }
        let purged = self
            .purge_dns_queries(datapath, &clock)
            .map(|purged| evicted.stale_dns_queries = purged);
        let counted = datapath.counters().map(|counters| self.counters = counters);
        evicted.counters = self.counters;
        (evicted, drained.and(purged).and(counted))
    }

    fn purge_dns_queries(&self, datapath: &mut Datapath, clock: &Clock) -> Result<u64, Error> {
        let stale_ns = u64::try_from(self.stale_after.as_nanos()).unwrap_or(u64::MAX);
        match clock.monotonic_ns.checked_sub(stale_ns) {
            Some(before_ns) => Ok(datapath.purge_dns_queries(before_ns)? as u64),
            None => Ok(0),
        }
    }

    /// The last evictions, when nothing is attached any more: as many as it takes to read both generations, or until that
    /// has failed too often. The number is that of the flows that are left.
    pub fn finish(&mut self, datapath: &mut Datapath) -> (Vec<Eviction>, Result<u64, Error>) {
        let mut evictions = Vec::new();
        let mut left = Ok(0);
        while evictions.len() < FINISH_ATTEMPTS {
            evictions.push(self.evict(datapath));
            left = datapath.left();
            if matches!(left, Ok(0)) {
                break;
            }
        }
        (evictions, left)
    }

    fn drain(
        &mut self,
        datapath: &mut Datapath,
        clock: &Clock,
        evicted: &mut Evicted,
    ) -> Result<(), Error> {
        datapath.drain(&mut |entry, dns| {
            evicted.flows += 1;
            evicted.dns += u64::from(dns.is_some());
            let record = Record {
                key: &entry.key,
                value: &entry.value,
                dns,
            };
            if let Some(batch) = self.encoder.push(&record, clock, &mut self.names) {
                self.sink.offer(batch);
            }
        })
    }
}

/// Both clocks, as close together as two calls are.
fn read_clock() -> Clock {
    let monotonic = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC)
        .map_or(Duration::ZERO, Duration::from);
    let wall = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Clock {
        // Until the year 2554.
        wall_ns: wall.as_nanos() as u64,
        monotonic_ns: monotonic.as_nanos() as u64,
    }
}
