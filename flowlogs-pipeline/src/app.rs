//! Puts the program together: configuration, log, servers, topology, and the way it stops.
//! Called by `main`, and by tests and benches with a configuration of their own.
//!
//! **Invariant:** the only place that knows all areas; decides nothing about records.

mod flags;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use flags::Flags;

use crate::config::{Config, Loaded, MetricsSettings, Overlay, Severity, load};
use crate::health::Health;
use crate::metrics::{Operational, Registry};
use crate::tls::{ServerFiles, ServerTls};
use crate::topology::{Outcome, Topology};
use crate::{http, metrics, telemetry};

/// Runs the program with its flags and environment; the exit code says how it ended.
pub fn main(flags: &Flags) -> ExitCode {
    let environment = Overlay::from_environment(|name| std::env::var(name).ok());
    let home = std::env::var_os("HOME");
    let file = flags
        .config
        .clone()
        .or_else(|| load::default_file(home.as_deref().map(Path::new)));
    let Loaded { config, problems } = load(file.as_deref(), &environment.under(flags.overlay()));
    let level = config
        .as_ref()
        .and_then(|config| config.log_level.as_deref());
    telemetry::start(level.unwrap_or(telemetry::LEVEL_DEFAULT));
    for problem in problems.found() {
        let kind = if problem.severity == Severity::Error {
            "error"
        } else {
            "warning"
        };
        complain(format_args!("{kind}: {problem}"));
    }
    let Some(config) = config.filter(|_| !flags.check || problems.found().is_empty()) else {
        complain(format_args!(
            "the configuration cannot be used: {} problem(s), see above",
            problems.count()
        ));
        return ExitCode::FAILURE;
    };
    if flags.check {
        // The exit code says it too, should nobody read.
        let _ = writeln!(std::io::stdout(), "the configuration is valid");
        return ExitCode::SUCCESS;
    }
    match start(&config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Writes a line to standard error. Unlike `eprintln` it does not panic when nobody reads it.
fn complain(text: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn start(config: &Config) -> anyhow::Result<()> {
    // Fails only if a provider is there already, which then is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("async")
        .build()
        .context("start the async runtime")?;
    let result = runtime.block_on(async {
        let stop = CancellationToken::new();
        let (mut interrupt, mut terminate) = (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        );
        let on_signal = stop.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => tracing::info!("SIGINT: stopping"),
                _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
            }
            on_signal.cancel();
        });
        run(config, stop).await
    });
    // A read of standard input cannot be interrupted; the process ends without it.
    runtime.shutdown_background();
    result
}

/// Runs a pipeline until its ingesters end or `stop` is cancelled, and everything has left it.
pub async fn run(config: &Config, stop: CancellationToken) -> anyhow::Result<()> {
    let registry = Registry::default();
    if !config.metrics.suppress_default_metrics {
        metrics::process::register(&registry).context("metrics of the process")?;
    }
    let operational = Operational::new(registry.clone(), &config.metrics.prefix);
    let health = Health::default();
    // The servers outlive the pipeline: its last figures can still be read while it drains.
    let servers_stop = CancellationToken::new();
    let _stop_servers = servers_stop.clone().drop_guard();
    let mut servers = JoinSet::new();
    serve_health(config, &health, &servers_stop, &mut servers)?;
    if !config.metrics.disable_global_server {
        let served = serve_metrics(&config.metrics, &registry, &servers_stop, &mut servers);
        match served {
            Err(error) if config.metrics.no_panic => tracing::error!("metrics server: {error:#}"),
            other => other?,
        }
    }
    let runtime = tokio::runtime::Handle::current();
    let topology = Topology::build(&config.graph, &config.perf, &operational, &runtime)?;
    let running = health.clone();
    let outcome = topology.run(stop, move || running.set_running(true)).await;
    health.set_running(false);
    conclude(&outcome)
}

fn conclude(outcome: &Outcome) -> anyhow::Result<()> {
    if outcome.undrained > 0 {
        tracing::error!(
            records = outcome.undrained,
            "records lost: the drain took longer than perfSettings.drainTimeout"
        );
    }
    if outcome.errors.is_empty() {
        return Ok(());
    }
    let texts: Vec<String> = outcome.errors.iter().map(ToString::to_string).collect();
    anyhow::bail!(texts.join("; "))
}

fn serve_health(
    config: &Config,
    health: &Health,
    stop: &CancellationToken,
    servers: &mut JoinSet<()>,
) -> anyhow::Result<()> {
    let Some(address) = &config.health_address else {
        return Ok(());
    };
    let listener = http::bind_text(address).and_then(TcpListener::from_std);
    let listener =
        listener.with_context(|| format!("health server on {address}, set by healthAddr"))?;
    let health = health.clone();
    servers.spawn(http::serve(
        listener,
        None,
        move |request| health.answer(&request),
        stop.clone(),
    ));
    Ok(())
}

fn serve_metrics(
    settings: &MetricsSettings,
    registry: &Registry,
    stop: &CancellationToken,
    servers: &mut JoinSet<()>,
) -> anyhow::Result<()> {
    let MetricsSettings { address, port, .. } = settings;
    let listener = http::bind(address, *port).and_then(TcpListener::from_std);
    let listener = listener
        .with_context(|| format!("metrics server on {address}:{port}, set by metricsSettings"))?;
    let tls = settings.tls.as_ref().map(|files| {
        ServerTls::load(ServerFiles {
            cert_path: files.cert_path.as_str().into(),
            key_path: files.key_path.as_str().into(),
            client_ca_path: None,
            protocols: &[],
            versions: rustls::ALL_VERSIONS,
        })
    });
    let tls = tls
        .transpose()
        .context("metrics server, metricsSettings.tls")?;
    let registry = registry.clone();
    let answer = move |request: hyper::Request<_>| metrics::server::answer(&registry, &request);
    servers.spawn(http::serve(listener, tls, answer, stop.clone()));
    Ok(())
}
