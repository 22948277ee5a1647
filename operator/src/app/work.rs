//! What only the leading manager does: watch and reconcile. An object of ours that cannot be read stops nothing but
//! what depends on it.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use futures::StreamExt as _;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::edits::Edits;
use crate::apis::flowcollector::{self, FlowCollector};
use crate::apis::flowcollectorslice::FlowCollectorSlice;
use crate::apis::flowmetric::FlowMetric;
use crate::cluster::Facts;
use crate::listener::Listener;
use crate::metrics::Metrics;
use crate::object::Copied;
use crate::owned::{Applier, Observed};
use crate::reconcile::{
    Backoff, Due, Next, Parts, Queue, Reconciler, RunError, Settings, Unreadable, migration,
};

/// A run that began may end after a drain was asked for, within this.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);
/// A run takes seconds when it makes everything. One whose requests all wait for a silent API server ends here, and is
/// begun again.
const RUN_LIMIT: Duration = Duration::from_mins(5);

/// How long the first listings of FlowMetrics and slices may take before that is told and the run is begun again, and how
/// long that of FlowCollectors is waited for.
const LIST_LIMIT: Duration = Duration::from_secs(10);

/// A copy of all our resources of a kind, also of those that cannot be read: they hide no other.
type Copies<K> = Store<Copied<K>>;

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

/// Watches and reconciles until the drain; an error when a watch broke off.
pub async fn run(work: Work, drain: CancellationToken) -> anyhow::Result<()> {
    let Work {
        client,
        settings,
        metrics,
        mut facts,
    } = work;
    let changed = Arc::new(Notify::new());
    let edited = Arc::new(Notify::new());
    let broken = CancellationToken::new();
    let hears = |notify: &Arc<Notify>| Listener::new(notify.clone(), broken.clone());
    let observed = Observed::new(client.clone(), hears(&changed), hears(&edited));
    let mut tasks = JoinSet::new();
    let collectors = follow::<FlowCollector>(&client, edited.clone(), &mut tasks);
    let metrics_of_users = follow::<FlowMetric>(&client, edited.clone(), &mut tasks);
    let slices = follow::<FlowCollectorSlice>(&client, edited.clone(), &mut tasks);
    let applier = Applier::new(client.clone(), observed.clone());
    let migrating = migration::run(client.clone());
    tasks.spawn(async move {
        migrating.await;
        std::future::pending::<()>().await;
    });
    let mut reconciler = Reconciler::new(
        client.clone(),
        applier,
        settings,
        hears(&changed),
        hears(&edited),
    );
    let queue = Queue::new(changed, edited.clone());
    tasks.spawn(wake_on_facts(facts.clone(), edited));

    let mut unreadable = Unreadable::new(client);
    let mut backoff = Backoff::default();
    let mut due = Due::default();
    // Until they are listed nobody knows whether there is one. Where they cannot be listed there is none.
    let listed_by = tokio::time::Instant::now() + LIST_LIMIT;
    loop {
        tokio::select! {
            () = drain.cancelled() => break,
            error = super::lost(&mut tasks) => return Err(error),
            () = broken.cancelled() => bail!("a watch broke off"),
            () = queue.next(due) => {}
        }
        let Some(known) = facts.borrow_and_update().clone() else {
            // They wake us when they are there.
            due = Due::default();
            continue;
        };
        observed.follow(|kind| known.has(kind));
        tokio::select! {
            () = drain.cancelled() => break,
            () = observed.wait_until_listed() => {}
        }
        tokio::select! {
            () = drain.cancelled() => break,
            _ = is_listed(&collectors, listed_by) => {}
        }
        let copy = collectors.get(&ObjectRef::new(flowcollector::NAME));
        let run = async {
            match copy.as_ref().map(|copy| &copy.0) {
                None => reconciler.run_without(&known).await,
                Some(Err(invalid)) => Ok(unreadable.run(invalid).await),
                Some(Ok(collector)) => match listed(&metrics_of_users, &slices).await {
                    Ok(parts) => reconciler.run(collector, &known, &parts).await,
                    Err(kind) => reconciler.stall(collector, &kind).await,
                },
            }
        };
        let ended = tokio::select! {
            next = one(run, &metrics) => Some(next),
            () = too_late(&drain) => None,
        };
        let Some(next) = ended else {
            tracing::warn!("the run did not end in time; the next manager completes it");
            break;
        };
        due = backoff.wait(next);
    }
    tasks.shutdown().await;
    Ok(())
}

async fn too_late(drain: &CancellationToken) {
    drain.cancelled().await;
    tokio::time::sleep(DRAIN_LIMIT).await;
}

/// What comes of a run, which is counted.
async fn one(run: impl Future<Output = Result<Next, RunError>>, metrics: &Metrics) -> Next {
    let started = Instant::now();
    let next = match tokio::time::timeout(RUN_LIMIT, run).await {
        Ok(Ok(next)) => next,
        Ok(Err(error)) => {
            tracing::error!(%error, "run failed");
            Next::Error
        }
        Err(_) => {
            tracing::error!("the run did not end within {} s", RUN_LIMIT.as_secs());
            Next::Error
        }
    };
    let result = match next {
        Next::Change => "success",
        Next::After(_) => "requeue_after",
        Next::Error => "error",
    };
    metrics.run(result, started.elapsed());
    next
}

/// A copy of all our resources of a kind, kept up to date. `edited` is told of what users change.
fn follow<K>(client: &Client, edited: Arc<Notify>, tasks: &mut JoinSet<()>) -> Copies<K>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    let api: Api<Copied<K>> = Api::all(client.clone());
    let (store, writer) = reflector::store();
    let events = reflector::reflector(
        writer,
        watcher(api, watcher::Config::default()).default_backoff(),
    );
    tasks.spawn(async move {
        let mut events = std::pin::pin!(events);
        let mut edits = Edits::default();
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => {
                    if edits.is_one(&event) {
                        log_unreadable(&event);
                        edited.notify_one();
                    }
                }
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

fn log_unreadable<K: Resource<DynamicType = ()>>(event: &Event<Copied<K>>) {
    if let Event::Apply(object) | Event::InitApply(object) = event
        && let Some(problem) = problem(object)
    {
        tracing::error!("{problem}");
    }
}

/// Why an object cannot be read, with its name.
fn problem<K: Resource<DynamicType = ()>>(object: &Copied<K>) -> Option<String> {
    let invalid = object.0.as_ref().err()?;
    let meta = &invalid.metadata;
    Some(format!(
        "{} {}/{} cannot be read and is left out: {}",
        K::kind(&()),
        meta.namespace.as_deref().unwrap_or_default(),
        meta.name.as_deref().unwrap_or_default(),
        invalid.error
    ))
}

/// All FlowMetrics and slices. An error names a kind that was not listed within [`LIST_LIMIT`]: a run without them would
/// take away what is theirs.
async fn listed(
    metrics: &Copies<FlowMetric>,
    slices: &Copies<FlowCollectorSlice>,
) -> Result<Parts, Cow<'static, str>> {
    let deadline = tokio::time::Instant::now() + LIST_LIMIT;
    is_listed(metrics, deadline).await?;
    is_listed(slices, deadline).await?;
    let mut unreadable = Vec::new();
    Ok(Parts {
        metrics: readable(metrics, &mut unreadable),
        slices: readable(slices, &mut unreadable),
        unreadable,
    })
}

/// Waits for the first listing of a kind; an error names it.
async fn is_listed<K>(
    copies: &Copies<K>,
    deadline: tokio::time::Instant,
) -> Result<(), Cow<'static, str>>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    match tokio::time::timeout_at(deadline, copies.wait_until_ready()).await {
        Ok(Ok(())) => Ok(()),
        // Too late, or its watch is gone.
        Ok(Err(_)) | Err(_) => Err(K::kind(&())),
    }
}

/// What can be read; the others are told of in `unreadable`, in the order of their names.
fn readable<K>(copies: &Copies<K>, unreadable: &mut Vec<String>) -> Vec<Arc<K>>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    let all = copies.state();
    let mut problems: Vec<_> = all.iter().filter_map(|copy| problem(copy)).collect();
    problems.sort();
    unreadable.extend(problems);
    all.iter()
        .filter_map(|copy| copy.0.as_ref().ok().cloned())
        .collect()
}

async fn wake_on_facts(mut facts: watch::Receiver<Option<Facts>>, changed: Arc<Notify>) {
    while facts.changed().await.is_ok() {
        changed.notify_one();
    }
}
