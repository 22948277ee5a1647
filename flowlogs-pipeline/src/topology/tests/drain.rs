//! Tests of the way to a standstill.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::{PATIENCE, Probe, Source, only, perf, until};
use crate::config::{GoDuration, PerfSettings};
use crate::stage::{Ingest, IngestFuture};
use crate::topology::queue::Queue;
use crate::topology::{Inlet, Topology};

fn drain_within(timeout: Duration) -> PerfSettings {
    PerfSettings {
        drain_timeout: GoDuration(timeout),
        ..perf()
    }
}

#[tokio::test]
async fn what_is_not_drained_in_time_is_counted() {
    let probe = Probe::default();
    let queue = Arc::new(Queue::new(1000));
    probe.gate.store(true, SeqCst);
    let topology = Topology {
        ingesters: vec![(Box::new(Source::of(50)), only(&queue))],
        chains: vec![probe.chain(&queue, Vec::new())],
        perf: drain_within(Duration::from_millis(50)),
    };
    let outcome = topology.run(CancellationToken::new(), || {}).await;
    probe.gate.store(false, SeqCst);
    // The batch that the stage is stuck in counts too.
    assert_eq!(outcome.undrained, 500);
    assert_eq!(probe.lost.drain_timeout.get(), outcome.undrained);
}

#[tokio::test]
async fn an_ingester_that_waits_for_room_does_not_put_the_end_off() {
    let probe = Probe::default();
    let queue = Arc::new(Queue::new(20));
    probe.gate.store(true, SeqCst);
    let source = Source::of(usize::MAX);
    let sent = Arc::clone(&source.sent);
    let topology = Topology {
        ingesters: vec![(Box::new(source), only(&queue))],
        chains: vec![probe.chain(&queue, Vec::new())],
        perf: drain_within(Duration::from_millis(50)),
    };
    let stop = CancellationToken::new();
    let run = tokio::spawn(topology.run(stop.clone(), || {}));
    // One batch in hand, two in the queue; the next one waits.
    until(|| sent.load(SeqCst) == 30).await;
    stop.cancel();
    let outcome = tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap();
    probe.gate.store(false, SeqCst);
    assert_eq!((outcome.undrained, sent.load(SeqCst)), (40, 40));
}

/// An ingester that never ends.
struct Deaf;

impl Ingest for Deaf {
    fn run(self: Box<Self>, inlet: Inlet, _: CancellationToken) -> IngestFuture {
        Box::pin(async move {
            let _inlet = inlet;
            std::future::pending().await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn an_ingester_that_does_not_end_is_left_behind() {
    let probe = Probe::default();
    let queue = Arc::new(Queue::new(20));
    let topology = Topology {
        ingesters: vec![(Box::new(Deaf), only(&queue))],
        chains: vec![probe.chain(&queue, Vec::new())],
        perf: drain_within(Duration::from_secs(25)),
    };
    let stop = CancellationToken::new();
    stop.cancel();
    let start = tokio::time::Instant::now();
    topology.run(stop, || {}).await;
    // What Kubernetes gives before it kills.
    assert!(start.elapsed() < Duration::from_secs(30));
}

/// An ingester that sends nothing until the stop.
struct Idle;

impl Ingest for Idle {
    fn run(self: Box<Self>, inlet: Inlet, stop: CancellationToken) -> IngestFuture {
        Box::pin(async move {
            let _inlet = inlet;
            stop.cancelled().await;
            Ok(())
        })
    }
}

#[tokio::test]
async fn a_chain_that_ends_early_does_not_take_the_others_time() {
    let timeout = Duration::from_millis(50);
    let (early, late) = (Probe::default(), Probe::default());
    let queues = [Arc::new(Queue::new(20)), Arc::new(Queue::new(20))];
    let topology = Topology {
        ingesters: vec![
            (Box::new(Source::of(1)), only(&queues[0])),
            (Box::new(Idle), only(&queues[1])),
        ],
        chains: vec![
            early.chain(&queues[0], Vec::new()),
            late.chain(&queues[1], Vec::new()),
        ],
        perf: drain_within(timeout),
    };
    let stop = CancellationToken::new();
    let run = tokio::spawn(topology.run(stop.clone(), || {}));
    until(|| {
        early
            .deadline()
            .is_some_and(|deadline| deadline < Instant::now())
    })
    .await;
    let stopped = Instant::now();
    stop.cancel();
    run.await.unwrap();
    assert!(late.deadline().unwrap() >= stopped + timeout);
}
