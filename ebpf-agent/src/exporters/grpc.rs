//! Flows by gRPC to `/pbflow.Collector/Send`.
//!
//! `app` runs one exporter task. It keeps some messages in flight on one connection; each is retried until it is
//! delivered or cannot be, while the queue behind it fills.
//!
//! **Invariant:** a message leaves here delivered or counted; its bytes are not looked into.

pub mod client;
mod codec;
mod outcome;

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tracing::{info, warn};

use super::{BatchReceiver, split};
use crate::config::GrpcConfig;
use crate::config::export::Reconnect;
use crate::flow::EncodedBatch;
use crate::metrics::{Metrics, Severity};
use crate::telemetry::limit::Limit;
use client::{ClientError, Connector};
use outcome::Outcome;

/// Enough to hide the time of an answer; more would only hold more memory while the collector is away.
const IN_FLIGHT_MAX: usize = 4;
/// Between two attempts, doubled each time.
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// Answers with an error before a message is given up.
const REFUSALS_MAX: u32 = 5;
const ERROR_LINE_PERIOD: Duration = Duration::from_mins(1);
/// The exporter in labels.
const GRPC: &str = "grpc";

/// See the module.
pub struct GrpcExporter {
    shared: Arc<Shared>,
    reconnect: Option<Duration>,
}

/// Why a batch was not delivered as it is.
enum Undelivered {
    TooBig,
    /// It never will be, for this reason.
    Hopeless(&'static str),
}

struct Shared {
    connector: Arc<Connector>,
    channel: Mutex<Channel>,
    send_timeout: Duration,
    metrics: Arc<Metrics>,
    failures: Limit,
    losses: Limit,
    /// Since the last delivery; decides whether a delivery is worth a line.
    failed_attempts: AtomicU64,
    /// Bytes of the smallest message that the collector called too big: larger ones are cut without asking.
    too_big: AtomicUsize,
}

impl GrpcExporter {
    /// Checks the configuration and the files. Connects nowhere yet.
    pub fn new(config: &GrpcConfig, metrics: Arc<Metrics>) -> Result<Self, ClientError> {
        let connector = Connector::new(config)?;
        let shared = Shared {
            channel: Mutex::new(connector.channel()),
            connector,
            send_timeout: config.send_timeout,
            metrics,
            failures: Limit::new(ERROR_LINE_PERIOD),
            losses: Limit::new(ERROR_LINE_PERIOD),
            failed_attempts: AtomicU64::new(0),
            too_big: AtomicUsize::new(usize::MAX),
        };
        Ok(Self {
            shared: Arc::new(shared),
            reconnect: config.reconnect.map(chosen_period),
        })
    }

    /// Delivers until the queue has ended and is empty, or until `give_up`: then what is left is counted as lost.
    pub async fn run(self, mut queue: BatchReceiver, give_up: CancellationToken) {
        let permits = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
        let mut in_flight = JoinSet::new();
        let mut renew_at = self.reconnect.map(|period| Instant::now() + period);
        loop {
            let permit = Arc::clone(&permits)
                .acquire_owned()
                .await
                .expect("the semaphore is never closed");
            let batch = tokio::select! {
                batch = queue.recv() => batch,
                () = give_up.cancelled() => None,
            };
            let Some(batch) = batch else { break };
            self.shared.metrics.queued_batches(queue.len());
            if let (Some(at), Some(period)) = (renew_at, self.reconnect)
                && at <= Instant::now()
            {
                self.shared.renew();
                renew_at = Some(Instant::now() + period);
            }
            let (shared, give_up) = (Arc::clone(&self.shared), give_up.clone());
            in_flight.spawn(async move {
                shared.deliver(batch, &give_up).await;
                drop(permit);
            });
            while in_flight.try_join_next().is_some() {}
        }
        while in_flight.join_next().await.is_some() {}
        queue.close();
        while let Ok(batch) = queue.try_recv() {
            self.shared.lost(&batch, "shutdown");
        }
        self.shared.metrics.queued_batches(0);
    }
}

impl Shared {
    /// Delivers one batch, in pieces if it must be.
    async fn deliver(&self, batch: EncodedBatch, give_up: &CancellationToken) {
        let mut pieces = vec![batch];
        while let Some(piece) = pieces.pop() {
            let attempted = if give_up.is_cancelled() {
                Err(Undelivered::Hopeless("shutdown"))
            } else if piece.records > 1 && piece.body.len() >= self.too_big.load(Ordering::Relaxed)
            {
                Err(Undelivered::TooBig)
            } else {
                tokio::select! {
                    // A delivery that ends at the same moment counts as one.
                    biased;
                    attempted = self.attempt(&piece) => attempted,
                    () = give_up.cancelled() => Err(Undelivered::Hopeless("shutdown")),
                }
            };
            match attempted {
                Ok(()) => self.delivered(&piece),
                Err(Undelivered::TooBig) => match split::halve(&piece) {
                    Some((first, second)) => pieces.extend([second, first]),
                    None => self.lost(&piece, "oversized"),
                },
                Err(Undelivered::Hopeless(reason)) => self.lost(&piece, reason),
            }
        }
    }

    /// Sends until it is delivered, or until it is known why it never will be.
    async fn attempt(&self, batch: &EncodedBatch) -> Result<(), Undelivered> {
        let (mut backoff, mut refusals) = (BACKOFF_MIN, 0);
        loop {
            let channel = self
                .channel
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            let Err(status) = client::send(channel, batch.body.clone(), self.send_timeout).await
            else {
                return Ok(());
            };
            let outcome = outcome::outcome(&status);
            if outcome == Outcome::TooBig {
                self.learn_size(batch);
                return Err(Undelivered::TooBig);
            }
            self.metrics
                .error(GRPC, "CannotWriteMessage", Severity::High);
            self.failed_attempts.fetch_add(1, Ordering::Relaxed);
            if let Some(attempts) = self.failures.add(1) {
                let (target, code, cause) = (
                    self.connector.target(),
                    status.code(),
                    client::describe(&status),
                );
                warn!(%target, ?code, attempts, "cannot deliver flows to the collector, trying again: {cause}");
            }
            if outcome == Outcome::Invalid {
                return Err(Undelivered::Hopeless("invalid"));
            }
            let is_refused = outcome == Outcome::Refused;
            refusals += u32::from(is_refused);
            if refusals >= REFUSALS_MAX {
                return Err(Undelivered::Hopeless("refused"));
            }
            let reason = if is_refused { "refused" } else { "away" };
            self.metrics.send_retry(GRPC, reason);
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }

    /// The collector is there and well: it only wants smaller messages.
    fn learn_size(&self, batch: &EncodedBatch) {
        self.metrics.send_retry(GRPC, "oversized");
        let bytes = batch.body.len();
        // A single record cannot be made smaller; it says nothing of messages.
        if batch.records > 1 && self.too_big.fetch_min(bytes, Ordering::Relaxed) == usize::MAX {
            let (target, flows) = (self.connector.target(), batch.records);
            warn!(%target, bytes, flows, "the collector refuses messages of this size, they are cut until they fit: lower GRPC_MESSAGE_MAX_FLOWS");
        }
    }

    fn delivered(&self, batch: &EncodedBatch) {
        self.metrics.exported(GRPC, u64::from(batch.records));
        let attempts = self.failed_attempts.swap(0, Ordering::Relaxed);
        if attempts > 0 {
            info!(target = %self.connector.target(), attempts, "delivering flows to the collector again");
        }
    }

    fn lost(&self, batch: &EncodedBatch, reason: &'static str) {
        let flows = u64::from(batch.records);
        self.metrics.dropped(GRPC, reason, flows);
        if let Some(flows) = self.losses.add(flows) {
            warn!(flows, reason, "flows dropped: they could not be delivered");
        }
    }

    /// From the next message on another connection is used.
    fn renew(&self) {
        *self.channel.lock().unwrap_or_else(PoisonError::into_inner) = self.connector.channel();
    }
}

/// One value for the life of the process, uniform in `[period - spread, period + spread)`.
fn chosen_period(reconnect: Reconnect) -> Duration {
    let random = std::hash::RandomState::new().build_hasher().finish();
    spread_period(reconnect, random as f64 / u64::MAX as f64)
}

/// The spread is less than the period: the configuration sees to it.
fn spread_period(reconnect: Reconnect, position: f64) -> Duration {
    let start = reconnect.period.saturating_sub(reconnect.spread);
    start + reconnect.spread.mul_f64(2.0 * position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reconnect_period_is_spread_evenly_around_the_timer() {
        let reconnect = Reconnect {
            period: Duration::from_mins(5),
            spread: Duration::from_secs(30),
        };
        for (position, seconds) in [(0.0, 270), (0.5, 300), (1.0, 330)] {
            assert_eq!(
                spread_period(reconnect, position),
                Duration::from_secs(seconds)
            );
        }
        let chosen = chosen_period(reconnect);
        assert!((270..=330).contains(&chosen.as_secs()));
        assert_eq!(
            chosen_period(Reconnect {
                spread: Duration::ZERO,
                ..reconnect
            }),
            reconnect.period
        );
    }
}
