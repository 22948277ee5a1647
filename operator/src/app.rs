//! Composition root: client, servers, leader election, watches, the loop of runs, and their end.
//!
//! Called by `main`. **Invariant:** everything that was started ends before [`run`] returns.

mod edits;
mod facts;
mod work;

use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use kube::Config;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::api_client;
use crate::certificates::Lifetime;
use crate::cli::Arguments;
use crate::health::{self, Readiness};
use crate::http;
use crate::leader::Leader;
use crate::metrics::Metrics;
use crate::own_certificate;
use crate::reconcile::Settings;
use crate::scope::manager_metrics;
use crate::tls::{self, Files};
use crate::version;
use crate::webhooks;

const METRICS_FLAG: &str = "metrics-bind-address";
const WEBHOOK_FLAG: &str = "webhook-bind-address";
const HEALTH_FLAG: &str = "health-probe-bind-address";

/// Does what the command line asks, until a signal.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let settings = Settings {
        images: arguments.images()?,
        is_downstream: arguments.downstream_deployment,
        namespace: arguments.namespace.clone(),
    };
    for (flag, address) in [
        (METRICS_FLAG, &arguments.metrics_bind_address),
        (WEBHOOK_FLAG, &arguments.webhook_bind_address),
        (HEALTH_FLAG, &arguments.health_probe_bind_address),
    ] {
        http::check(flag, address)?;
    }
    // It computes for milliseconds; each further thread would cost a heap of its own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the async runtime")?;
    runtime.block_on(serve(arguments, settings))
}

async fn serve(arguments: Arguments, settings: Settings) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("wait for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("wait for signals")?;
    let config = Config::infer()
        .await
        .context("find the API server; run in a cluster or set KUBECONFIG")?;
    let client = api_client::client(config).context("make a client of the API server")?;
    let drain = CancellationToken::new();
    let metrics = Metrics::new();
    let mut servers = JoinSet::new();
    // Ends when all else has ended.
    let mut background = JoinSet::new();
    if let Some(listener) = http::listen(METRICS_FLAG, &arguments.metrics_bind_address).await? {
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
                let following = own_certificate::follow(
                    client.clone(),
                    own,
                    certificates,
                    tell,
                    Arc::default(),
                );
                background.spawn(following);
            }
            let drain = drain.clone();
            servers.spawn(http::serve_tls("metrics", listener, current, router, drain));
        }
    }
    let (sender, facts) = watch::channel(None);
    let following = facts::follow(client.clone(), sender);
    background.spawn(following);
    let mut readiness = Readiness {
        draining: drain.clone(),
        certificate: None,
    };
    if let Some(listener) = http::listen(WEBHOOK_FLAG, &arguments.webhook_bind_address).await? {
        let settings = webhooks::Settings {
            files: Files {
                certificate: arguments.webhook_cert_dir.join("tls.crt"),
                key: arguments.webhook_cert_dir.join("tls.key"),
            },
            namespace: arguments.namespace.clone(),
            url: arguments.webhook_url.clone(),
            lifetime: Lifetime::default(),
        };
        let (certificates, current) = watch::channel(None);
        readiness.certificate = Some(current);
        let serving = webhooks::serve(
            client.clone(),
            settings,
            listener,
            certificates,
            facts.clone(),
            drain.clone(),
        );
        servers.spawn(serving);
    }
    if let Some(listener) = http::listen(HEALTH_FLAG, &arguments.health_probe_bind_address).await? {
        let router = health::router(readiness);
        servers.spawn(http::serve("health", listener, router, drain.clone()));
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
    let mut result = Ok(());
    let is_leading = tokio::select! {
        _ = terminate.recv() => true,
        _ = interrupt.recv() => true,
        error = lost(&mut servers) => {
            result = Err(error);
            true
        }
        error = lost(&mut background) => {
            result = Err(error);
            true
        }
        ended = &mut lead => {
            result = ended;
            false
        }
    };
    tracing::info!("stopping");
    drain.cancel();
    if is_leading {
        result = result.and(lead.await);
    }
    while servers.join_next().await.is_some() {}
    background.shutdown().await;
    result
}

/// Waits for a task that ends though it should not: without it the manager would go on as if all were well. None ends
/// where there is none.
async fn lost(tasks: &mut JoinSet<()>) -> anyhow::Error {
    match tasks.join_next().await {
        None => std::future::pending().await,
        Some(Ok(())) => anyhow!("a task ended that should last"),
        Some(Err(error)) => anyhow!("a task broke off: {error}"),
    }
}

/// Reconciles while it may; an error when the lease was lost.
async fn lead(
    work: work::Work,
    leader: Option<&Leader>,
    drain: CancellationToken,
) -> anyhow::Result<()> {
    let Some(leader) = leader else {
        return Box::pin(work::run(work, drain)).await;
    };
    let acquired = tokio::select! {
        () = drain.cancelled() => return Ok(()),
        acquired = leader.acquire() => acquired,
    };
    let work = Box::pin(work::run(work, drain));
    tokio::select! {
        result = work => {
            leader.release().await;
            result
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
