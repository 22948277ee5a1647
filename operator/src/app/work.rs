//! What only the leading manager does: watch and reconcile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::watcher::{self, watcher};
use kube::{Api, Client};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::apis::flowcollector::{self, FlowCollector};
use crate::cluster::Facts;
use crate::metrics::Metrics;
use crate::owned::{Applier, Observed};
use crate::reconcile::{Backoff, Next, Queue, Reconciler, Settings};

/// A run that began may end after a drain was asked for, within this.
const RUN_LIMIT: Duration = Duration::from_secs(10);

/// What the work needs.
pub struct Parts {
    /// For all requests.
    pub client: Client,
    /// From the command line.
    pub settings: Settings,
    /// Counts runs.
    pub metrics: Metrics,
    /// The newest facts about the cluster.
    pub facts: watch::Receiver<Option<Facts>>,
}

/// Watches and reconciles until the drain.
pub async fn run(parts: Parts, drain: CancellationToken) {
    let Parts {
        client,
        settings,
        metrics,
        mut facts,
    } = parts;
    let changed = Arc::new(Notify::new());
    let observed = Observed::new(client.clone(), changed.clone());
    let mut tasks = JoinSet::new();
    let collectors = watch_collectors(&client, changed.clone(), &mut tasks);
    let applier = Applier::new(client.clone(), observed.clone());
    let mut reconciler = Reconciler::new(client, applier, settings);
    let queue = Queue::new(changed.clone());
    tasks.spawn(wake_on_facts(facts.clone(), changed));

    let mut backoff = Backoff::default();
    let mut later = None;
    loop {
        tokio::select! {
            () = drain.cancelled() => break,
            () = queue.next(later) => {}
        }
        let Some(known) = facts.borrow_and_update().clone() else {
            // They wake us when they are there.
            later = None;
            continue;
        };
        observed.follow(|kind| known.has(kind));
        tokio::select! {
            () = drain.cancelled() => break,
            () = observed.wait_until_listed() => {}
        }
        let key = ObjectRef::new(flowcollector::NAME);
        let Some(collector) = collectors.get(&key) else {
            later = None;
            continue;
        };
        let run = one(&mut reconciler, &collector, &known, &metrics);
        let ended = tokio::select! {
            next = run => Some(next),
            () = too_late(&drain) => None,
        };
        let Some(next) = ended else {
            tracing::warn!("the run did not end in time; the next manager completes it");
            break;
        };
        later = match next {
            Next::Change => {
                backoff.succeeded();
                None
            }
            Next::After(wait) => {
                backoff.succeeded();
                Some(wait)
            }
            Next::Error => Some(backoff.failed()),
        };
    }
    tasks.shutdown().await;
}

async fn too_late(drain: &CancellationToken) {
    drain.cancelled().await;
    tokio::time::sleep(RUN_LIMIT).await;
}

async fn one(
    reconciler: &mut Reconciler,
    collector: &FlowCollector,
    facts: &Facts,
    metrics: &Metrics,
) -> Next {
    let started = Instant::now();
    let next = reconciler
        .run(collector, facts)
        .await
        .unwrap_or_else(|error| {
            tracing::error!(%error, "run failed");
            Next::Error
        });
    let result = match next {
        Next::Change => "success",
        Next::After(_) => "requeue_after",
        Next::Error => "error",
    };
    metrics.run(result, started.elapsed());
    next
}

fn watch_collectors(
    client: &Client,
    changed: Arc<Notify>,
    tasks: &mut JoinSet<()>,
) -> Store<FlowCollector> {
    let api: Api<FlowCollector> = Api::all(client.clone());
    let (store, writer) = reflector::store();
    let events = reflector::reflector(
        writer,
        watcher(api, watcher::Config::default()).default_backoff(),
    );
    tasks.spawn(async move {
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.next().await {
            match event {
                Ok(_) => changed.notify_one(),
                Err(error) => {
                    tracing::warn!(%error, "cannot watch FlowCollectors; are the CRDs installed?");
                }
            }
        }
    });
    store
}

async fn wake_on_facts(mut facts: watch::Receiver<Option<Facts>>, changed: Arc<Notify>) {
    while facts.changed().await.is_ok() {
        changed.notify_one();
    }
}
