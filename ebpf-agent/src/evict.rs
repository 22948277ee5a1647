//! Moves flows from the kernel to the exporter: swap, drain, join features, encode, hand over.
//!
//! Called by the datapath thread every `CACHE_ACTIVE_TIMEOUT`, and once more when everything is detached. A swap waits
//! for running kernel programs, so this never runs on an async thread.
//!
//! **Invariant:** the kernel's maps are always drained to the end; what the exporter's queue has no room for is dropped
//! there, and counted by the [`Sink`], so a slow receiver never makes the kernel lose packets.

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::flow::{Clock, EncodedBatch, Encoder, Names, Record};
use crate::kernel::{
    Counters, Datapath, Error,
    abi::{DnsValue, FlowKey, FlowValue},
};

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

/// What one eviction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evicted {
    /// Flows read from the kernel.
    pub flows: u64,
    /// DNS entries read from the kernel.
    pub dns: u64,
    /// Records handed to the sink: flows, and DNS data whose flow was never seen.
    pub records: u64,
    pub stale_dns_queries: u64,
    /// From before the swap to the last entry read.
    pub duration: Duration,
    /// Totals since the start.
    pub counters: Counters,
}

/// The state that eviction keeps from one time to the next.
pub struct Evictor<N, S> {
    encoder: Encoder,
    names: N,
    sink: S,
    stale_after: Duration,
    /// DNS data of this generation, until its flow comes by.
    dns: HashMap<FlowKey, DnsValue>,
    /// DNS data that came before its flow did, for one more eviction (see [`Datapath::swap`]).
    early_dns: HashMap<FlowKey, DnsValue>,
}

impl<N: Names, S: Sink> Evictor<N, S> {
    pub fn new(settings: &EvictSettings, names: N, sink: S) -> Self {
        Self {
            encoder: Encoder::new(settings.agent_ip, settings.message_flows_max),
            names,
            sink,
            stale_after: settings.stale_after,
            dns: HashMap::new(),
            early_dns: HashMap::new(),
        }
    }

    pub fn names(&mut self) -> &mut N {
        &mut self.names
    }

    pub fn sink(&mut self) -> &mut S {
        &mut self.sink
    }

    /// One eviction. After an error the maps are as usable as before, and what was read has been handed over.
    pub fn evict(&mut self, datapath: &mut Datapath) -> Result<Evicted, Error> {
        let started = Instant::now();
        let clock = read_clock();
        let mut evicted = Evicted::default();
        let result = datapath
            .swap()
            .and_then(|()| self.drain(datapath, &clock, &mut evicted));
        evicted.duration = started.elapsed();
        self.hand_over(&clock, &mut evicted);
        result?;
        let stale_ns = u64::try_from(self.stale_after.as_nanos()).unwrap_or(u64::MAX);
        if let Some(before_ns) = clock.monotonic_ns.checked_sub(stale_ns) {
            evicted.stale_dns_queries = datapath.purge_dns_queries(before_ns)? as u64;
        }
        evicted.counters = datapath.counters()?;
        Ok(evicted)
    }

    /// The last two evictions, of both generations, when nothing is attached any more.
    /// The second is made even if the first one failed.
    pub fn finish(&mut self, datapath: &mut Datapath) -> [Result<Evicted, Error>; 2] {
        let first = self.evict(datapath);
        let mut second = self.evict(datapath);
        // No flow will come by any more.
        let mut rest = Evicted::default();
        self.hand_over(&read_clock(), &mut rest);
        if let Ok(second) = &mut second {
            second.records += rest.records;
        }
        [first, second]
    }

    fn drain(
        &mut self,
        datapath: &mut Datapath,
        clock: &Clock,
        evicted: &mut Evicted,
    ) -> Result<(), Error> {
        let dns = &mut self.dns;
        datapath.drain_dns(&mut |keys, values| {
            evicted.dns += keys.len() as u64;
            dns.extend(keys.iter().copied().zip(values.iter().copied()));
        })?;
        let Self {
            encoder,
            names,
            sink,
            dns,
            early_dns,
            ..
        } = self;
        datapath.drain_flows(&mut |keys, values| {
            evicted.flows += keys.len() as u64;
            for (key, value) in keys.iter().zip(values) {
                let dns = take(dns, early_dns, key);
                push(
                    encoder,
                    names,
                    sink,
                    clock,
                    evicted,
                    key,
                    value,
                    dns.as_ref(),
                );
            }
        })
    }

    /// Hands over what is encoded, and the DNS data that stayed without a flow for a whole generation.
    fn hand_over(&mut self, clock: &Clock, evicted: &mut Evicted) {
        let Self {
            encoder,
            names,
            sink,
            ..
        } = self;
        let empty = FlowValue::default();
        for (key, dns) in self.early_dns.drain() {
            push(
                encoder,
                names,
                sink,
                clock,
                evicted,
                &key,
                &empty,
                Some(&dns),
            );
        }
        std::mem::swap(&mut self.dns, &mut self.early_dns);
        if let Some(batch) = encoder.finish() {
            sink.offer(batch);
        }
    }
}

/// The DNS data of a flow: that of its own generation, else what came early.
fn take(
    dns: &mut HashMap<FlowKey, DnsValue>,
    early_dns: &mut HashMap<FlowKey, DnsValue>,
    key: &FlowKey,
) -> Option<DnsValue> {
    // Without DNS this is all that a flow costs here.
    if dns.is_empty() && early_dns.is_empty() {
        return None;
    }
    let early = early_dns.remove(key);
    dns.remove(key).or(early)
}

#[expect(
    clippy::too_many_arguments,
    reason = "parts of one `Evictor`, borrowed apart"
)]
fn push(
    encoder: &mut Encoder,
    names: &mut dyn Names,
    sink: &mut dyn Sink,
    clock: &Clock,
    evicted: &mut Evicted,
    key: &FlowKey,
    value: &FlowValue,
    dns: Option<&DnsValue>,
) {
    evicted.records += 1;
    if let Some(batch) = encoder.push(&Record { key, value, dns }, clock, names) {
        sink.offer(batch);
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

#[cfg(test)]
mod tests;
