//! Tests of queues, chains and runs, with stages that count.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::chain::{Chain, End, Lost, Outlet, Timed};
use super::queue::{NotSent, Queue};
use super::*;
use crate::config::PerfSettings;
use crate::metrics::{Counter, Histogram};
use crate::model::{Batch, Field, Record};
use crate::stage::{Ingest, IngestFuture, Terminal, Transform};

/// Longer than any loaded machine needs.
const PATIENCE: Duration = Duration::from_mins(1);

fn batch(records: usize) -> Batch {
    Batch::from(vec![Record::new(); records])
}

fn duration() -> Histogram {
    Histogram::new(&[1.0])
}

/// Counts records; stands still while `gate` is set.
struct Count {
    records: Arc<AtomicUsize>,
    finished: Arc<AtomicBool>,
    gate: Arc<AtomicBool>,
}

impl Terminal for Count {
    fn write(&mut self, batch: &Batch) {
        while self.gate.load(SeqCst) {
            std::thread::yield_now();
        }
        self.records.fetch_add(batch.len(), SeqCst);
    }

    fn finish(self: Box<Self>, _: Instant) {
        self.finished.store(true, SeqCst);
    }
}

/// Sends batches of ten until stopped or done.
struct Source {
    batches: usize,
    sent: Arc<AtomicUsize>,
}

impl Source {
    fn of(batches: usize) -> Self {
        Self {
            batches,
            sent: Arc::default(),
        }
    }
}

impl Ingest for Source {
    fn run(self: Box<Self>, inlet: Inlet, stop: CancellationToken) -> IngestFuture {
        Box::pin(async move {
            for _ in 0..self.batches {
                if stop.is_cancelled() {
                    break;
                }
                inlet.send(batch(10)).await;
                self.sent.fetch_add(10, SeqCst);
            }
            Ok(())
        })
    }
}

#[derive(Default)]
struct Probe {
    records: Arc<AtomicUsize>,
    finished: Arc<AtomicBool>,
    gate: Arc<AtomicBool>,
    queue_full: Counter,
    lost: Lost,
}

impl Probe {
    fn chain(&self, queue: &Arc<Queue>, transforms: Vec<Timed<dyn Transform>>) -> Chain {
        let stage = Box::new(Count {
            records: Arc::clone(&self.records),
            finished: Arc::clone(&self.finished),
            gate: Arc::clone(&self.gate),
        });
        Chain {
            name: "count".into(),
            queue: Arc::clone(queue),
            transforms,
            end: End::Terminal(Timed {
                stage,
                duration: duration(),
            }),
            lost: self.lost.clone(),
        }
    }
}

fn perf() -> PerfSettings {
    PerfSettings {
        drain_timeout: crate::config::GoDuration(PATIENCE),
        ..PerfSettings::default()
    }
}

#[tokio::test]
async fn everything_sent_arrives_before_the_run_ends() {
    let probe = Probe::default();
    let queue = Arc::new(Queue::new(25));
    let inlet = Inlet::new(vec![Outlet::new(
        Arc::clone(&queue),
        None,
        Counter::default(),
    )]);
    let topology = Topology {
        ingesters: vec![(Box::new(Source::of(1000)), inlet)],
        chains: vec![probe.chain(&queue, Vec::new())],
        perf: perf(),
    };
    let outcome = topology.run(CancellationToken::new(), || {}).await;
    assert_eq!(probe.records.load(SeqCst), 10_000);
    assert!(probe.finished.load(SeqCst));
    assert_eq!((outcome.undrained, outcome.errors.len()), (0, 0));
}

#[tokio::test]
async fn a_stuck_branch_loses_its_own_records_and_no_others() {
    let (stuck, free) = (Probe::default(), Probe::default());
    let queues = [Arc::new(Queue::new(20)), Arc::new(Queue::new(20))];
    stuck.gate.store(true, SeqCst);
    let outlet = |queue: &Arc<Queue>, probe: &Probe, patience| {
        Outlet::new(Arc::clone(queue), Some(patience), probe.queue_full.clone())
    };
    // The free branch is given all the time it needs on a loaded machine.
    let inlet = Inlet::new(vec![
        outlet(&queues[0], &stuck, Duration::from_millis(20)),
        outlet(&queues[1], &free, PATIENCE),
    ]);
    let topology = Topology {
        ingesters: vec![(Box::new(Source::of(100)), inlet)],
        chains: vec![
            stuck.chain(&queues[0], Vec::new()),
            free.chain(&queues[1], Vec::new()),
        ],
        perf: perf(),
    };
    let run = tokio::spawn(topology.run(CancellationToken::new(), || {}));
    let deadline = Instant::now() + PATIENCE;
    while free.records.load(SeqCst) < 1000 && Instant::now() < deadline {
        tokio::task::yield_now().await;
    }
    assert_eq!(free.records.load(SeqCst), 1000);
    stuck.gate.store(false, SeqCst);
    run.await.unwrap();
    assert_eq!(free.queue_full.get(), 0);
    assert!(stuck.queue_full.get() > 0);
    assert_eq!(
        stuck.records.load(SeqCst) as u64 + stuck.queue_full.get(),
        1000
    );
}

#[tokio::test]
async fn what_is_not_drained_in_time_is_counted() {
    let probe = Probe::default();
    let queue = Arc::new(Queue::new(1000));
    probe.gate.store(true, SeqCst);
    let inlet = Inlet::new(vec![Outlet::new(
        Arc::clone(&queue),
        None,
        Counter::default(),
    )]);
    let topology = Topology {
        ingesters: vec![(Box::new(Source::of(50)), inlet)],
        chains: vec![probe.chain(&queue, Vec::new())],
        perf: PerfSettings {
            drain_timeout: crate::config::GoDuration(Duration::from_millis(50)),
            ..perf()
        },
    };
    let outcome = topology.run(CancellationToken::new(), || {}).await;
    probe.gate.store(false, SeqCst);
    // The batch that the stage is stuck in counts too.
    assert_eq!(outcome.undrained, 500);
    assert_eq!(probe.lost.drain_timeout.get(), outcome.undrained);
}

/// Panics at its second batch.
struct Panics(bool);

impl Panics {
    fn second(&mut self) {
        assert!(!std::mem::replace(&mut self.0, true), "on purpose");
    }
}

impl Transform for Panics {
    fn transform(&mut self, _: &mut Batch) {
        self.second();
    }
}

impl Terminal for Panics {
    fn write(&mut self, _: &Batch) {
        self.second();
    }

    fn finish(self: Box<Self>, _: Instant) {}
}

/// Runs a chain of which a stage panics; says what was sent and what was counted as lost.
async fn run_panicking(probe: &Probe, chain: Chain, patience: Option<Duration>) -> (usize, u64) {
    let outlet = Outlet::new(Arc::clone(&chain.queue), patience, probe.queue_full.clone());
    let source = Source::of(1000);
    let sent = Arc::clone(&source.sent);
    let topology = Topology {
        ingesters: vec![(Box::new(source), Inlet::new(vec![outlet]))],
        chains: vec![chain],
        perf: perf(),
    };
    let outcome = topology.run(CancellationToken::new(), || {}).await;
    assert_eq!((outcome.errors.len(), outcome.undrained), (1, 0));
    assert_eq!(probe.lost.drain_timeout.get(), 0);
    let lost = probe.lost.panic.get() + probe.queue_full.get();
    (sent.load(SeqCst), lost)
}

#[tokio::test]
async fn a_panicking_stage_ends_the_run_and_what_is_behind_it_is_counted() {
    for patience in [None, Some(PATIENCE)] {
        let probe = Probe::default();
        let transforms = vec![Timed::<dyn Transform> {
            stage: Box::new(Panics(false)),
            duration: duration(),
        }];
        let chain = probe.chain(&Arc::new(Queue::new(40)), transforms);
        let (sent, lost) = run_panicking(&probe, chain, patience).await;
        assert_eq!((probe.records.load(SeqCst), lost), (10, sent as u64 - 10));
        assert_eq!(probe.queue_full.get(), 0);
        // What the end held from batches before is handed over.
        assert!(probe.finished.load(SeqCst));
    }
}

#[tokio::test]
async fn a_panicking_end_loses_the_batch_in_hand_and_what_is_behind_it() {
    let probe = Probe::default();
    let mut chain = probe.chain(&Arc::new(Queue::new(40)), Vec::new());
    chain.end = End::Terminal(Timed {
        stage: Box::new(Panics(false)),
        duration: duration(),
    });
    let (sent, lost) = run_panicking(&probe, chain, None).await;
    assert_eq!(lost, sent as u64 - 10);
}

#[test]
fn a_transform_of_one_branch_does_not_change_the_other() {
    struct Mark;
    impl Transform for Mark {
        fn transform(&mut self, batch: &mut Batch) {
            for record in &mut batch.records {
                record.set_number(Field::Bytes, 1);
            }
        }
    }
    let probe = Probe::default();
    let queue = Arc::new(Queue::new(10));
    let shared = Arc::new(batch(1));
    let outlet = Outlet::new(Arc::clone(&queue), None, Counter::default());
    queue.send_blocking(Arc::clone(&shared), None).unwrap();
    drop(outlet);
    let transforms = vec![Timed::<dyn Transform> {
        stage: Box::new(Mark),
        duration: duration(),
    }];
    probe
        .chain(&queue, transforms)
        .run(Instant::now, &CancellationToken::new());
    assert_eq!(shared.records[0].field(Field::Bytes), None);
    assert_eq!(probe.records.load(SeqCst), 1);
}

#[test]
fn a_full_queue_makes_threads_wait_for_room() {
    let queue = Arc::new(Queue::new(10));
    queue.add_sender();
    queue.send_blocking(Arc::new(batch(10)), None).unwrap();
    assert_eq!(
        queue.send_blocking(Arc::new(batch(1)), Some(Duration::ZERO)),
        Err(NotSent::Full)
    );
    let (sent, done) = mpsc::sync_channel(1);
    let sender = Arc::clone(&queue);
    let thread = std::thread::spawn(move || {
        sender.send_blocking(Arc::new(batch(1)), None).unwrap();
        sent.send(()).unwrap();
    });
    assert!(done.try_recv().is_err());
    assert_eq!(queue.next().unwrap().len(), 10);
    done.recv_timeout(PATIENCE).unwrap();
    thread.join().unwrap();
    assert_eq!(queue.next().unwrap().len(), 1);
    queue.remove_sender();
    assert!(queue.next().is_none());
}

#[test]
fn a_closed_queue_refuses_and_counts_what_was_left_and_what_comes() {
    let (queue, lost) = (Queue::new(10), Counter::default());
    queue.add_sender();
    queue.send_blocking(Arc::new(batch(7)), None).unwrap();
    queue.send_blocking(Arc::new(batch(2)), None).unwrap();
    assert_eq!(queue.next().unwrap().len(), 7);
    assert_eq!((queue.close(&lost), queue.abandon(&lost)), (2, 7));
    assert_eq!((queue.close(&lost), queue.abandon(&lost)), (0, 0));
    let sent = queue.send_blocking(Arc::new(batch(1)), None);
    assert_eq!(sent, Err(NotSent::Closed));
    assert_eq!(lost.get(), 10);
    assert!(queue.next().is_none());
}
