//! `encode/prom`: metrics counted from records, shown by the global server or by one of the stage's own.
//!
//! **Invariant:** each metric has one family behind a lock that is taken once per batch; a scrape holds it for one
//! piece at a time, so neither waits long for the other.

pub mod config;
mod filter;
mod flatten;
mod labels;
mod metric;
pub mod names;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

pub use self::config::PromConfig;

use self::labels::LabelPlan;
use self::metric::{Errors, Metric, Sink};
use crate::http;
use crate::metrics::family::{Budget, Family, LabelHasher, lock};
use crate::metrics::{Counter, Gauge, Registry, operational, server};
use crate::model::Batch;
use crate::stage::{BuildContext, StageError, Terminal};
use crate::tls::{ServerFiles, ServerTls};

/// The stage.
pub struct EncodeProm {
    metrics: Vec<Metric>,
    plans: Vec<LabelPlan>,
    shared: Arc<Shared>,
    processed: Counter,
    dropped: Counter,
    stop: CancellationToken,
    /// Where the stage's own server listens.
    address: Option<SocketAddr>,
}

/// What the stage's thread and the sweeper share. Locks are taken in the order of the fields.
struct Shared {
    budget: Mutex<Budget>,
    families: Vec<Arc<Mutex<Family>>>,
    started: Instant,
    reported: Gauge,
}

impl EncodeProm {
    pub fn new(config: &PromConfig, context: &BuildContext) -> Result<Self, StageError> {
        let fail = |message: String| StageError::new(&context.name, message);
        let own_server = config.own_address();
        let registry = if own_server.is_some() {
            Registry::default()
        } else {
            context.metrics.registry().clone()
        };
        let hasher = LabelHasher::default();
        let (mut metrics, mut plans, mut families) =
            (Vec::<Metric>::new(), Vec::<LabelPlan>::new(), Vec::new());
        let mut names = HashSet::new();
        // The first of a name counts; the configuration's check has warned of the others.
        let distinct = config
            .metrics
            .iter()
            .filter(|settings| names.insert(&settings.name));
        for settings in distinct {
            let plan = LabelPlan::new(
                &settings.labels,
                &settings.remap,
                &settings.flatten,
                hasher.clone(),
            );
            let place = plans
                .iter()
                .position(|known| known.is_same(&plan))
                .unwrap_or_else(|| {
                    plans.push(plan);
                    plans.len() - 1
                });
            let errors = Errors::new(&context.metrics, settings);
            let metric =
                Metric::new(settings, place, errors).map_err(|error| fail(error.to_string()))?;
            let family = Arc::new(Mutex::new(metric.family(settings)));
            let name = format!("{}{}", config.prefix, settings.name);
            registry
                .register(
                    &name,
                    metric.kind(),
                    &settings.help,
                    Arc::clone(&family) as _,
                )
                .map_err(|error| fail(error.to_string()))?;
            families.push(family);
            metrics.push(metric);
        }
        let labels = [context.name.as_str()];
        let shared = Arc::new(Shared {
            budget: Mutex::new(Budget::new(config.max_metrics)),
            families,
            started: Instant::now(),
            reported: context
                .metrics
                .gauge(&operational::ENCODE_PROM_METRICS_REPORTED, &labels),
        });
        let stop = CancellationToken::new();
        let address = match own_server {
            Some((address, port)) => {
                Some(serve(config, context, registry, &stop, (&address, port)).map_err(fail)?)
            }
            None => None,
        };
        context
            .runtime
            .spawn(sweep(Arc::clone(&shared), config.expiry(), stop.clone()));
        Ok(Self {
            metrics,
            plans,
            shared,
            processed: context
                .metrics
                .counter(&operational::METRICS_PROCESSED, &labels),
            dropped: context
                .metrics
                .counter(&operational::METRICS_DROPPED, &labels),
            stop,
            address,
        })
    }

    /// Where the stage's own server listens, if it has one.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }
}

impl Terminal for EncodeProm {
    fn write(&mut self, batch: &Batch) {
        let mut budget = lock(&self.shared.budget);
        let now_ms = self.shared.now_ms();
        let (mut processed, mut dropped) = (0, 0);
        for plan in &mut self.plans {
            plan.start(batch.len());
        }
        // Metric by metric, so that look-ups of one record overlap with those of the next.
        for (metric, family) in self.metrics.iter().zip(&self.shared.families) {
            let mut sink = Sink {
                family: &mut lock(family),
                budget: &mut budget,
                now_ms,
                processed: &mut processed,
                dropped: &mut dropped,
            };
            metric.record_all(&batch.records, &mut self.plans, &mut sink);
        }
        self.shared.reported.set(budget.live() as i64);
        self.processed.add(processed);
        self.dropped.add(dropped);
    }

    fn finish(self: Box<Self>, _: Instant) {
        self.stop.cancel();
    }
}

impl Drop for EncodeProm {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Shared {
    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    fn sweep(&self, idle: Duration) {
        let mut budget = lock(&self.budget);
        for family in &self.families {
            lock(family).sweep(self.now_ms(), idle.as_millis() as u64, &mut budget);
        }
        self.reported.set(budget.live() as i64);
    }
}

/// Removes idle series until `stop`, with or without traffic.
async fn sweep(shared: Arc<Shared>, expiry: Duration, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(expiry) => {}
        }
        let shared = Arc::clone(&shared);
        // Half a millisecond for 100,000 series, and it may wait for the stage.
        if tokio::task::spawn_blocking(move || shared.sweep(expiry))
            .await
            .is_err()
        {
            return;
        }
    }
}

/// Starts the stage's own server.
fn serve(
    config: &PromConfig,
    context: &BuildContext,
    registry: Registry,
    stop: &CancellationToken,
    address: (&str, u16),
) -> Result<SocketAddr, String> {
    let tls = match &config.tls {
        None => None,
        Some(files) => {
            let files = ServerFiles {
                cert_path: files.cert_path.clone(),
                key_path: files.key_path.clone(),
                client_ca_path: None,
                protocols: &[],
                versions: rustls::ALL_VERSIONS,
            };
            Some(ServerTls::load(files).map_err(|error| error.to_string())?)
        }
    };
    let listen = || -> std::io::Result<(tokio::net::TcpListener, SocketAddr)> {
        let listener = http::bind(address.0, address.1)?;
        let bound = listener.local_addr()?;
        let _runtime = context.runtime.enter();
        Ok((tokio::net::TcpListener::from_std(listener)?, bound))
    };
    let (listener, bound) = listen().map_err(|error| {
        format!(
            "metrics cannot be served on {}:{}: {error}; set another address or port",
            address.0, address.1
        )
    })?;
    let handler = move |request| server::answer(&registry, &request);
    context
        .runtime
        .spawn(http::serve(listener, tls, handler, stop.clone()));
    tracing::info!(stage = context.name, address = %bound, "metrics of the stage are served");
    Ok(bound)
}

#[cfg(test)]
mod tests;
