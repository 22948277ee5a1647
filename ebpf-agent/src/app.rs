//! Builds the parts, connects them, and takes them apart in order.
//!
//! Called by `main`; the only place that knows all parts.
//!
//! **Invariant:** on the way down nothing that was gathered is thrown away uncounted: first no new orders, then detach
//! and a last eviction, then the exporter's queue, then the servers.

mod listener;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use anyhow::Context;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::agent::worker::Worker;
use crate::agent::{self, Agent};
use crate::config::{Config, WatchMode};
use crate::evict::{EvictSettings, Evictor};
use crate::exporters::{self, BatchSender, grpc::GrpcExporter};
use crate::health::{Health, Server};
use crate::interfaces::filter::Filter;
use crate::interfaces::names::{NameReader, Names};
use crate::interfaces::selection::{Order, Selection};
use crate::interfaces::watch::{self, Watcher};
use crate::kernel::{self, FeatureStatus, Status};
use crate::metrics::Metrics;
use crate::{BUILD_DATE, COMMIT, VERSION, agent_address, privilege, shutdown};
use listener::Listener;

/// Time for the datapath thread to take the last orders and evict, beyond which it must be stuck.
const LAST_EVICTION_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for scrapes that are being answered.
const SERVER_TIMEOUT: Duration = Duration::from_secs(2);

/// Runs the agent until it is told to stop, or until a part of it fails.
pub async fn run(config: Config) -> anyhow::Result<()> {
    info!(
        version = VERSION,
        commit = COMMIT,
        date = BUILD_DATE,
        "netobserv-ebpf-agent"
    );
    info!(?config, "configuration");
    privilege::raise_descriptor_limit();
    let stop = shutdown::signals()?;
    let metrics = Arc::new(Metrics::new(&config.metrics.prefix, config.metrics.level));
    let health = Arc::<Health>::default();
    metrics.sampling(config.cache.sampling);
    for notice in &config.notices {
        warn!("{}", notice.text);
        if let Some(feature) = notice.feature {
            metrics.feature(feature, false);
        }
    }
    let agent_ip = agent_address::find(&config.agent_address)?;
    info!(%agent_ip, "reporting as");
    let exporter = GrpcExporter::new(&config.export.grpc, Arc::clone(&metrics))?;
    privilege::check().context("cannot load kernel programs")?;

    let servers_stop = CancellationToken::new();
    let server = match &config.metrics.server {
        Some(server) => {
            let server = Server::bind(server, Arc::clone(&metrics), Arc::clone(&health)).await?;
            info!(address = %server.address()?, "serving metrics");
            Some(tokio::spawn(server.run(servers_stop.clone())))
        }
        None => None,
    };

    let give_up = CancellationToken::new();
    let (sender, receiver) = exporters::queue(config.export.queue_length, Arc::clone(&metrics));
    let mut exporting = tokio::spawn(exporter.run(receiver, give_up.clone()));

    let names = Arc::<Names>::default();
    let datapath_settings = DatapathSettings {
        kernel: kernel::Settings {
            cache_max_flows: config.cache.max_flows,
            sampling: config.cache.sampling,
            dns_port: config.features.dns,
            rtt: config.features.rtt,
            attach: config.attach,
        },
        evict: EvictSettings {
            agent_ip: Some(agent_ip),
            message_flows_max: config.export.grpc.message_max_flows as u32,
            stale_after: config.cache.stale_entries_timeout,
        },
        agent: agent::Settings {
            eviction_period: config.cache.active_timeout,
            attach_attempts: config.attach.attempts,
            direction: config.attach.direction,
        },
    };
    let (orders, ordered) = sync_channel(config.cache.queue_length);
    let parts = DatapathParts {
        names: NameReader::new(Arc::clone(&names)),
        sender,
        metrics: Arc::clone(&metrics),
        health: Arc::clone(&health),
    };
    let (features, mut datapath_ended) = start_datapath(datapath_settings, parts, ordered).await?;
    report_features(&features, &metrics);

    let watcher = start_watcher(
        config.watch.filter,
        config.watch.mode,
        names,
        orders,
        &metrics,
        &health,
    )
    .context("cannot watch interfaces of this host")?;

    let failure = tokio::select! {
        () = stop.cancelled() => None,
        _ = &mut datapath_ended => Some("the datapath thread has ended by itself"),
        _ = &mut exporting => Some("the exporter has ended by itself"),
    };
    info!("stopping: detaching, then delivering what is left");
    health.set_draining();
    let is_stuck = !ends(stop_watcher(watcher), datapath_ended, LAST_EVICTION_TIMEOUT).await;
    deliver_rest(exporting, &give_up, config.export.drain_timeout).await;
    servers_stop.cancel();
    if let Some(server) = server {
        let _ = tokio::time::timeout(SERVER_TIMEOUT, server).await;
    }
    if let Some(failure) = failure {
        anyhow::bail!(failure);
    }
    anyhow::ensure!(
        !is_stuck,
        "the last eviction did not end within {} s",
        LAST_EVICTION_TIMEOUT.as_secs()
    );
    info!("stopped");
    Ok(())
}

struct DatapathSettings {
    kernel: kernel::Settings,
    evict: EvictSettings,
    agent: agent::Settings,
}

struct DatapathParts {
    names: NameReader,
    sender: BatchSender,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
}

/// Starts the datapath thread, which loads the programs and says how that went. The receiver resolves when the thread has
/// ended, also by a panic.
async fn start_datapath(
    settings: DatapathSettings,
    parts: DatapathParts,
    orders: Receiver<Order>,
) -> anyhow::Result<(Vec<FeatureStatus>, oneshot::Receiver<()>)> {
    let (loaded, is_loaded) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    std::thread::Builder::new()
        .name("datapath".to_owned())
        .spawn(move || {
            let datapath = match kernel::Datapath::load(&settings.kernel) {
                Ok((datapath, features)) => {
                    let _ = loaded.send(Ok(features));
                    datapath
                }
                Err(error) => {
                    let _ = loaded.send(Err(error));
                    return;
                }
            };
            let evictor = Evictor::new(&settings.evict, parts.names, parts.sender);
            let worker = Worker::new(datapath, evictor, Arc::clone(&parts.metrics));
            Agent::new(worker, settings.agent, parts.metrics, parts.health).run(&orders);
            let _ = end.send(());
        })?;
    let features = is_loaded
        .await
        .context("the datapath thread has ended while loading")??;
    Ok((features, ended))
}

/// One line and one metric for each feature that was asked for.
fn report_features(features: &[FeatureStatus], metrics: &Metrics) {
    for FeatureStatus { name, status } in features {
        match status {
            Status::Runs { hook } => info!(feature = name, hook, "feature is on"),
            Status::RunsLesser { hook, reason } => info!(
                feature = name,
                hook, reason, "feature is on, in a lesser way"
            ),
            Status::Off { reason } => warn!(
                feature = name,
                "feature is off, everything else goes on: {reason}"
            ),
        }
        metrics.feature(name, !matches!(status, Status::Off { .. }));
    }
}

fn start_watcher(
    filter: Filter,
    mode: WatchMode,
    names: Arc<Names>,
    orders: SyncSender<Order>,
    metrics: &Arc<Metrics>,
    health: &Arc<Health>,
) -> std::io::Result<Watcher> {
    let settings = watch::Settings {
        netns_folder: watch::NETNS_FOLDER.into(),
        poll_period: match mode {
            WatchMode::Watch => None,
            WatchMode::Poll(period) => Some(period),
        },
        wants_addresses: filter.needs_addresses(),
    };
    let mut listener = Listener {
        selection: Selection::new(filter),
        names,
        orders,
        metrics: Arc::clone(metrics),
        health: Arc::clone(health),
    };
    Watcher::start(settings, move |told| listener.hear(told))
}

/// Ends the orders: the sender goes with the watcher's thread.
async fn stop_watcher(watcher: Watcher) {
    if tokio::task::spawn_blocking(move || watcher.stop())
        .await
        .is_err()
    {
        error!("the watcher's thread has panicked");
    }
}

/// Whether the orders and then the datapath thread end in this time. The watcher waits for a datapath thread that is stuck.
async fn ends(
    watcher: impl Future<Output = ()>,
    datapath: oneshot::Receiver<()>,
    time: Duration,
) -> bool {
    let both = async {
        watcher.await;
        // One that has answered must not be asked again.
        if !datapath.is_terminated() {
            let _ = datapath.await;
        }
    };
    tokio::time::timeout(time, both).await.is_ok()
}

/// Gives the exporter its time, then takes what is left from it.
async fn deliver_rest(mut exporting: JoinHandle<()>, give_up: &CancellationToken, time: Duration) {
    // A handle that has answered must not be asked again.
    if exporting.is_finished() || tokio::time::timeout(time, &mut exporting).await.is_ok() {
        return;
    }
    warn!(
        "the collector did not take everything within {} s",
        time.as_secs_f32()
    );
    give_up.cancel();
    let _ = exporting.await;
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn neither_a_stuck_watcher_nor_a_stuck_datapath_thread_holds_up_the_end() {
        let moment = Duration::from_millis(1);
        let (end, ended) = oneshot::channel();
        let _ = end.send(());
        assert!(ends(ready(()), ended, Duration::from_mins(1)).await);
        let (_end, ended) = oneshot::channel();
        assert!(!ends(ready(()), ended, moment).await);
        let (_end, ended) = oneshot::channel();
        assert!(!ends(pending(), ended, moment).await);
    }
}
