//! Composition root: client, servers, leader election, watches, the loop of runs, and their end.
//!
//! Called by `main`. **Invariant:** everything that was started ends before [`run`] returns.

mod edits;
mod facts;
mod work;

use anyhow::{Context as _, bail};
use kube::Client;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::certificates::Lifetime;
use crate::cli::Arguments;
use crate::http;
use crate::leader::Leader;
use crate::metrics::Metrics;
use crate::own_certificate;
use crate::reconcile::Settings;
use crate::scope::manager_metrics;
use crate::tls::{self, Files};
use crate::webhooks;
use crate::{health, version};

/// Does what the command line asks, until a signal.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let settings = Settings {
        images: arguments.images()?,
        is_downstream: arguments.downstream_deployment,
        namespace: arguments.namespace.clone(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("manager")
        .enable_all()
        .build()
        .context("start the async runtime")?;
    runtime.block_on(serve(arguments, settings))
}

async fn serve(arguments: Arguments, settings: Settings) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("wait for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("wait for signals")?;
    let client = Client::try_default()
        .await
        .context("find the API server; run in a cluster or set KUBECONFIG")?;
    let drain = CancellationToken::new();
    let metrics = Metrics::new();
    let mut servers = JoinSet::new();
    // Ends when all else has ended.
    let mut background = JoinSet::new();
    let flag = "health-probe-bind-address";
    if let Some(listener) = http::listen(flag, &arguments.health_probe_bind_address).await? {
        let router = health::router(drain.clone());
        servers.spawn(http::serve("health", listener, router, drain.clone()));
    }
    let flag = "metrics-bind-address";
    if let Some(listener) = http::listen(flag, &arguments.metrics_bind_address).await? {
        let mut router = metrics.clone().router();
        // What only this machine reaches needs no token, and so no TLS to hide it.
        let is_local = listener.local_addr()?.ip().is_loopback();
        if !is_local {
            router = http::protect::protect(router, client.clone());
        }
        let files = arguments.metrics_files();
        if is_local && files.is_none() {
            servers.spawn(http::serve("metrics", listener, router, drain.clone()));
        } else {
            let (certificates, current) = watch::channel(None);
            if let Some(files) = files {
                background.spawn(async move { tls::follow(&files, &certificates).await });
            } else {
                let own = own_certificate(&arguments.namespace);
                let tell = |_| std::future::ready(Ok(()));
                let following = own_certificate::follow(client.clone(), own, certificates, tell);
                background.spawn(following);
            }
            let drain = drain.clone();
            servers.spawn(http::serve_tls("metrics", listener, current, router, drain));
        }
    }
    let (sender, facts) = watch::channel(None);
    let following = facts::follow(client.clone(), sender);
    background.spawn(following);
    let flag = "webhook-bind-address";
    if let Some(listener) = http::listen(flag, &arguments.webhook_bind_address).await? {
        let settings = webhooks::Settings {
            files: Files {
                certificate: arguments.webhook_cert_dir.join("tls.crt"),
                key: arguments.webhook_cert_dir.join("tls.key"),
            },
            namespace: arguments.namespace.clone(),
            url: arguments.webhook_url.clone(),
            lifetime: Lifetime::default(),
        };
        let serving = webhooks::serve(
            client.clone(),
            settings,
            listener,
            facts.clone(),
            drain.clone(),
        );
        servers.spawn(serving);
    }
    tracing::info!(
        version = version::VERSION,
        namespace = arguments.namespace,
        "started"
    );

    let leader = arguments
        .leader_elect
        .then(|| Leader::new(client.clone(), &arguments.namespace, identity()));
    let work = work::Work {
        client,
        settings,
        metrics,
        facts,
    };
    let lead = lead(work, leader.as_ref(), drain.clone());
    let mut lead = std::pin::pin!(lead);
    let result = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        result = &mut lead => Some(result),
    };
    tracing::info!("stopping");
    drain.cancel();
    let result = match result {
        Some(result) => result,
        None => lead.await,
    };
    while servers.join_next().await.is_some() {}
    background.shutdown().await;
    result
}

/// Reconciles while it may; an error when the lease was lost.
async fn lead(
    work: work::Work,
    leader: Option<&Leader>,
    drain: CancellationToken,
) -> anyhow::Result<()> {
    let Some(leader) = leader else {
        Box::pin(work::run(work, drain)).await;
        return Ok(());
    };
    let acquired = tokio::select! {
        () = drain.cancelled() => return Ok(()),
        acquired = leader.acquire() => acquired,
    };
    let work = Box::pin(work::run(work, drain));
    tokio::select! {
        () = work => {
            leader.release().await;
            Ok(())
        }
        // Whoever has it now may write already: no draining.
        () = leader.hold(acquired) => bail!("the lease was lost"),
    }
}

/// Of the metrics, where nobody provides one.
fn own_certificate(namespace: &str) -> own_certificate::Settings {
    let service = format!("{}.{namespace}.svc", manager_metrics::SERVICE);
    own_certificate::Settings {
        namespace: namespace.to_owned(),
        secret: manager_metrics::OWN_CERTIFICATE,
        authority: "netobserv-operator metrics",
        hosts: vec![service.clone(), format!("{service}.cluster.local")],
        lifetime: Lifetime::default(),
    }
}

/// A name that no other process has: the host's (a pod's own) and this process's.
fn identity() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let id = std::fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap_or_default();
    format!("{}_{}", host.trim(), id.trim())
}
