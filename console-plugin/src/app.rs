//! Composition root: configuration, store, listeners, tasks, and their end.
//!
//! Called by `main` and by the tests. **Invariant:** everything that was started ends before
//! [`App::stop`] returns; the store is closed last.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use axum::{Router, middleware};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::api::{self, Api};
use crate::cli::{Arguments, Command, StoreCommand};
use crate::config::{self, Config, ServerConfig};
use crate::fields::dictionary;
use crate::hosts::{self, Hosts};
use crate::http::{self, Listener};
use crate::losses::Losses;
use crate::metrics::Metrics;
use crate::sources::store::StoreSource;
use crate::store::config::StoreConfig;
use crate::store::query::TimeRange;
use crate::store::{self, Store};
use crate::tls::{ServerFiles, ServerTls};
use crate::{health, version};

/// Does what the command line asks.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if let Some(Command::Store(command)) = &arguments.command {
        return run_store_command(command);
    }
    let Some(path) = &arguments.config else {
        bail!(
            "no -config FILE: serving forms only, without data, needs Kubernetes, which is not available in \
             this version; pass -config"
        );
    };
    let loaded = config::load(path)?;
    if arguments.check {
        if !loaded.ignored.is_empty() {
            bail!(
                "unknown keys in {}: {}",
                path.display(),
                loaded.ignored.join(", ")
            );
        }
        // Who closed standard output has the exit code.
        let _ = writeln!(std::io::stdout(), "{} is valid", path.display());
        return Ok(());
    }
    for key in &loaded.ignored {
        tracing::warn!(key, "unknown key in the configuration is ignored");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("api")
        .enable_all()
        .build()
        .context("start the async runtime")?;
    runtime.block_on(serve(loaded.config))
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("wait for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("wait for signals")?;
    let app = App::start(config).await?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    app.stop().await;
    Ok(())
}

fn run_store_command(command: &StoreCommand) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    let looked = match command {
        StoreCommand::List { path } => store::tool::list(path, &mut output),
        StoreCommand::Verify { path } => store::tool::verify(path, &mut output),
        StoreCommand::Export { path, start, end } => {
            let milliseconds = |seconds: i64| seconds.saturating_mul(1000);
            let range = TimeRange {
                start_ms: start.map_or(TimeRange::ALL.start_ms, milliseconds),
                end_ms: end.map_or(TimeRange::ALL.end_ms, milliseconds),
            };
            store::tool::export(path, range, &mut output, &mut std::io::stderr())
        }
    };
    let summary = match looked {
        Err(error) if store::tool::is_unread(&error) => return Ok(()),
        looked => looked?,
    };
    if summary.unsealed_bytes > 0 {
        // Standard output may be a CSV file, and standard error may be closed.
        let _ = writeln!(
            std::io::stderr(),
            "the newest flows, {} bytes of pushes, are in the log and not among them: they are once the store has sealed them, at its end at the latest",
            summary.unsealed_bytes
        );
    }
    if summary.damaged > 0 {
        bail!(
            "damaged files: {}; the store sets a file aside when it starts or, where only some of its pages are damaged, when it first reads them, and serves the rest",
            summary.damaged
        );
    }
    Ok(())
}

/// What runs.
pub struct App {
    /// Where page and API are.
    pub page: SocketAddr,
    /// Where metrics and health are.
    pub metrics: SocketAddr,
    /// Where flows are pushed to.
    pub push: SocketAddr,
    store: Store,
    tasks: JoinSet<()>,
    draining: CancellationToken,
}

impl App {
    /// Starts everything, or nothing.
    pub async fn start(mut config: Config) -> anyhow::Result<Self> {
        let Some(store_config) = config.store.take() else {
            bail!("no data source is configured; set store.path")
        };
        config.frontend.derive(dictionary());
        let server = config.server;

        // Listeners first: a port that is taken must not cost a look through the store.
        let page =
            http::listen(&server.address, server.port, "page and API", "server.port").await?;
        let health = http::listen(
            &server.metrics_address,
            server.metrics_port,
            "metrics",
            "server.metricsPort",
        )
        .await?;
        let push = listen_push(&store_config).await?;
        let page_tls = server_tls(&server)?;
        let push_tls = push_tls(&store_config)?;

        let (store, losses) = open_store(&store_config, config.losses.targets).await?;
        let metrics = Metrics::new(|registry| store.register(registry));
        let source = StoreSource::new(
            store.clone(),
            store_config.limits.concurrent_queries,
            server.query_timeout.0,
            store_config.limits.records,
            store_config.retention.age.0,
            metrics.clone(),
        );
        let api = Api::new(
            Arc::new(source),
            &config.frontend,
            losses.clone(),
            metrics.clone(),
        );

        let draining = CancellationToken::new();
        let mut app = Self {
            page: page.address(),
            metrics: health.address(),
            push: push.address(),
            store: store.clone(),
            tasks: JoinSet::new(),
            draining: draining.clone(),
        };
        let connections_max = server.connections_max;
        let mut serve = |listener: Listener, tls: Option<Arc<ServerTls>>, router| {
            if let Some(tls) = &tls {
                app.tasks.spawn(tls.clone().watch(draining.clone()));
            }
            app.tasks.spawn(http::serve(
                listener,
                tls,
                router,
                connections_max,
                metrics.clone(),
                draining.clone(),
            ));
        };
        serve(page, page_tls.clone(), api::router(api, &server));
        let hosts = Hosts::new(&server.allowed_hosts);
        // Where others can reach a port, they know it by names of their own. The page has its own guard.
        let guarded = |listener: &Listener, router: Router| {
            if listener.address().ip().is_loopback() {
                let state = (hosts.clone(), metrics.clone());
                router.layer(middleware::from_fn_with_state(state, hosts::check))
            } else {
                router
            }
        };
        let push_router = guarded(&push, store::push_router(store.clone()));
        let health_router = health::router(metrics.clone(), draining.clone(), store);
        let health_router = guarded(&health, health_router);
        serve(push, push_tls, push_router);
        serve(health, page_tls, health_router);
        app.tasks.spawn(losses.watch(metrics, draining.clone()));
        tracing::info!(
            version = version::VERSION,
            page = %app.page,
            metrics = %app.metrics,
            push = %app.push,
            "serving"
        );
        Ok(app)
    }

    /// Ends requests, then tasks, then the store.
    pub async fn stop(mut self) {
        self.draining.cancel();
        while self.tasks.join_next().await.is_some() {}
        let store = self.store;
        if tokio::task::spawn_blocking(move || store.shutdown())
            .await
            .is_err()
        {
            tracing::error!("the store did not close; what was acknowledged is in its log");
        }
    }
}

/// Opens the store and what was lost on the way to it, off the async threads.
async fn open_store(
    config: &StoreConfig,
    targets: Vec<config::LossTarget>,
) -> anyhow::Result<(Store, Losses)> {
    let config = config.clone();
    let opened = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
        let folder = config.path.join("losses");
        let retention = config.retention.age.0;
        let store = Store::open(config)?;
        let now_ms = jiff::Timestamp::now().as_millisecond();
        let losses = Losses::open(&folder, retention, targets, now_ms)?;
        Ok((store, losses))
    });
    opened.await.context("open the store")?
}

async fn listen_push(config: &StoreConfig) -> anyhow::Result<Listener> {
    let (address, port) = config
        .listen
        .rsplit_once(':')
        .and_then(|(address, port)| Some((address.trim_matches(['[', ']']), port.parse().ok()?)))
        .with_context(|| {
            format!(
                "store.listen: \"{}\" is not an address such as 127.0.0.1:3100",
                config.listen
            )
        })?;
    Ok(http::listen(address, port, "pushed flows", "store.listen").await?)
}

fn server_tls(server: &ServerConfig) -> anyhow::Result<Option<Arc<ServerTls>>> {
    if server.cert_path.is_empty() {
        return Ok(None);
    }
    let files = ServerFiles {
        certificate: PathBuf::from(&server.cert_path),
        key: PathBuf::from(&server.key_path),
        client_authority: None,
    };
    Ok(Some(ServerTls::load(files)?))
}

fn push_tls(config: &StoreConfig) -> anyhow::Result<Option<Arc<ServerTls>>> {
    let Some(tls) = &config.tls else {
        return Ok(None);
    };
    let files = ServerFiles {
        certificate: tls.cert_path.clone(),
        key: tls.key_path.clone(),
        client_authority: tls.client_ca_path.clone(),
    };
    Ok(Some(ServerTls::load(files)?))
}
