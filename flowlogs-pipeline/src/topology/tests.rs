//! Tests of queues, chains and runs, with stages that count.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::chain::{Chain, End, Lost, Timed};
use super::inlet::Outlet;
use super::queue::Queue;
use super::*;
use crate::config::PerfSettings;
use crate::metrics::{Counter, Histogram};
use crate::model::{Batch, Field, Record};
use crate::stage::{Ingest, IngestFuture, Terminal, Transform};

mod calls;
mod drain;
mod queue;
#[path = "../../tests/support/raw_client.rs"]
mod raw_client;

/// Longer than any loaded machine needs.
const PATIENCE: Duration = Duration::from_mins(1);

fn batch(records: usize) -> Batch {
    Batch::from(vec![Record::new(); records])
}

fn duration() -> Histogram {
    Histogram::new(&[1.0])
}

/// Counts records; stands still while `gate` is set, and takes `pace` for each batch.
struct Count {
    records: Arc<AtomicUsize>,
    deadline: Arc<Mutex<Option<Instant>>>,
    gate: Arc<AtomicBool>,
    pace: Duration,
}

impl Terminal for Count {
    #[allow(clippy::disallowed_methods, reason = "its slowness is what is tested")]
    fn write(&mut self, batch: &Batch) {
        while self.gate.load(SeqCst) {
            std::thread::yield_now();
        }
        std::thread::sleep(self.pace);
        self.records.fetch_add(batch.len(), SeqCst);
    }

    fn finish(self: Box<Self>, deadline: Instant) {
        *self.deadline.lock().unwrap() = Some(deadline);
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
                inlet.send_or_lose(vec![Arc::new(batch(10))]).await;
                self.sent.fetch_add(10, SeqCst);
            }
            Ok(())
        })
    }
}

#[derive(Default)]
struct Probe {
    records: Arc<AtomicUsize>,
    deadline: Arc<Mutex<Option<Instant>>>,
    gate: Arc<AtomicBool>,
    pace: Duration,
    queue_full: Counter,
    lost: Lost,
}

impl Probe {
    fn chain(&self, queue: &Arc<Queue>, transforms: Vec<Timed<dyn Transform>>) -> Chain {
        let stage = Box::new(Count {
            records: Arc::clone(&self.records),
            deadline: Arc::clone(&self.deadline),
            gate: Arc::clone(&self.gate),
            pace: self.pace,
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

    /// When the end has to be finished; nothing before it was asked to.
    fn deadline(&self) -> Option<Instant> {
        *self.deadline.lock().unwrap()
    }
}

/// An inlet of one queue, without siblings.
fn only(queue: &Arc<Queue>) -> Inlet {
    Inlet::new(vec![Outlet::new(
        Arc::clone(queue),
        None,
        Counter::default(),
    )])
}

/// Waits until something is true.
async fn until(is_true: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < deadline);
        tokio::task::yield_now().await;
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
    let topology = Topology {
        ingesters: vec![(Box::new(Source::of(1000)), only(&queue))],
        chains: vec![probe.chain(&queue, Vec::new())],
        perf: perf(),
    };
    let outcome = topology.run(CancellationToken::new(), || {}).await;
    assert_eq!(probe.records.load(SeqCst), 10_000);
    assert!(probe.deadline().is_some());
    assert_eq!((outcome.undrained, outcome.errors.len()), (0, 0));
}

#[tokio::test]
async fn a_branch_that_cannot_keep_up_loses_its_own_records_and_no_others() {
    let stuck = Probe::default();
    stuck.gate.store(true, SeqCst);
    // Takes each batch long before the patience is over, but all of them together much later; and does not take all that
    // waits while the sender's thread stands still for a moment.
    let slow = Probe {
        pace: Duration::from_millis(20),
        ..Probe::default()
    };
    for late in [stuck, slow] {
        let free = Probe::default();
        let queues = [Arc::new(Queue::new(20)), Arc::new(Queue::new(20))];
        let outlet = |queue: &Arc<Queue>, probe: &Probe, patience| {
            Outlet::new(Arc::clone(queue), Some(patience), probe.queue_full.clone())
        };
        // The free branch is given all the time it needs on a loaded machine.
        let inlet = Inlet::new(vec![
            outlet(&queues[0], &late, Duration::from_millis(100)),
            outlet(&queues[1], &free, PATIENCE),
        ]);
        let topology = Topology {
            ingesters: vec![(Box::new(Source::of(500)), inlet)],
            chains: vec![
                late.chain(&queues[0], Vec::new()),
                free.chain(&queues[1], Vec::new()),
            ],
            perf: perf(),
        };
        let run = tokio::spawn(topology.run(CancellationToken::new(), || {}));
        until(|| free.records.load(SeqCst) == 5000).await;
        late.gate.store(false, SeqCst);
        run.await.unwrap();
        assert_eq!(free.queue_full.get(), 0);
        let dropped = late.queue_full.get();
        assert!(dropped > 0);
        assert_eq!(late.records.load(SeqCst) as u64 + dropped, 5000);
    }
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
        assert!(probe.deadline().is_some());
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
    let room = queue.try_reserve(1).unwrap();
    queue.put(room, vec![Arc::clone(&shared)]).unwrap();
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
