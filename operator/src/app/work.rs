//! What only the leading manager does: watch and reconcile.

use std::error::Error;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::watcher::{self, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::apis::flowcollector::{self, FlowCollector};
use crate::apis::flowcollectorslice::FlowCollectorSlice;
use crate::apis::flowmetric::FlowMetric;
use crate::cluster::Facts;
use crate::metrics::Metrics;
use crate::owned::{Applier, Observed};
use crate::reconcile::{Backoff, Next, Parts, Queue, Reconciler, Settings, migration};

/// A run that began may end after a drain was asked for, within this.
const RUN_LIMIT: Duration = Duration::from_secs(10);

/// What the work needs.
pub struct Work {
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
pub async fn run(work: Work, drain: CancellationToken) {
    let Work {
        client,
        settings,
        metrics,
        mut facts,
    } = work;
    let changed = Arc::new(Notify::new());
    let observed = Observed::new(client.clone(), changed.clone());
    let mut tasks = JoinSet::new();
    let collectors = follow::<FlowCollector>(&client, changed.clone(), &mut tasks);
    let metrics_of_users = follow::<FlowMetric>(&client, changed.clone(), &mut tasks);
    let slices = follow::<FlowCollectorSlice>(&client, changed.clone(), &mut tasks);
    let applier = Applier::new(client.clone(), observed.clone());
    tasks.spawn(migration::run(client.clone()));
    let mut reconciler = Reconciler::new(client, applier, settings, changed.clone());
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
            let run = reconciler.run_without(&known);
            let next = run.await.unwrap_or_else(|error| {
                tracing::error!(%error, "run without a FlowCollector failed");
                Next::Error
            });
            later = backoff.wait(next);
            continue;
        };
        let parts = tokio::select! {
            () = drain.cancelled() => break,
            parts = listed(&metrics_of_users, &slices) => parts,
        };
        let Some(parts) = parts else { break };
        let run = one(&mut reconciler, &collector, &known, &parts, &metrics);
        let ended = tokio::select! {
            next = run => Some(next),
            () = too_late(&drain) => None,
        };
        let Some(next) = ended else {
            tracing::warn!("the run did not end in time; the next manager completes it");
            break;
        };
        later = backoff.wait(next);
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
    parts: &Parts,
    metrics: &Metrics,
) -> Next {
    let started = Instant::now();
    let next = reconciler
        .run(collector, facts, parts)
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

/// A copy of all our resources of a kind, kept up to date.
fn follow<K>(client: &Client, changed: Arc<Notify>, tasks: &mut JoinSet<()>) -> Store<K>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    let api: Api<K> = Api::all(client.clone());
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
                    let kind = K::plural(&());
                    let error: &dyn Error = &error;
                    tracing::warn!(%kind, error, "cannot watch; are the CRDs installed?");
                }
            }
        }
    });
    store
}

/// All FlowMetrics and slices. None before each kind was listed once: a run without them would take away what is theirs.
async fn listed(metrics: &Store<FlowMetric>, slices: &Store<FlowCollectorSlice>) -> Option<Parts> {
    metrics.wait_until_ready().await.ok()?;
    slices.wait_until_ready().await.ok()?;
    Some(Parts {
        metrics: metrics.state(),
        slices: slices.state(),
    })
}

async fn wake_on_facts(mut facts: watch::Receiver<Option<Facts>>, changed: Arc<Notify>) {
    while facts.changed().await.is_ok() {
        changed.notify_one();
    }
}
