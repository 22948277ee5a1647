//! `write/loki`: records as lines pushed to Loki's HTTP API.
//!
//! The stage's thread writes lines into open batches and queues the full ones; a timer queues the old ones; a task
//! of its own pushes them.
//! **Invariant:** while Loki is slow or away nothing but this stage's queue grows, and with `whenFull: drop` no other
//! part of the pipeline waits.

mod batch;
mod client;
mod client_config;
mod config;
mod labels;
mod metrics;
mod queue;
mod sender;
mod time;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use self::config::LokiConfig;

use self::batch::OpenBatch;
use self::client::Client;
use self::labels::Labels;
use self::metrics::LokiMetrics;
use self::queue::Queue;
use self::sender::{Backoff, LogLimit, Sender};
use super::line::LineWriter;
use crate::metrics::family::{LabelHasher, lock};
use crate::metrics::operational;
use crate::model::{Batch, Key, Record};
use crate::stage::{BuildContext, EndPatience, StageError, Terminal};

/// Batches are looked at ten times per `batchWait`, but not more often than this.
const TICK_MIN: Duration = Duration::from_millis(10);
/// What the sender gets beyond the deadline to count what it gives up.
const ABORT_GRACE: Duration = Duration::from_secs(1);

/// The stage.
pub struct WriteLoki {
    context: BuildContext,
    labels: Labels,
    line: LineWriter,
    timestamp: Key,
    is_timestamp_shown: bool,
    timestamp_scale: Duration,
    tenant: Option<String>,
    shared: Arc<Shared>,
    metrics: Arc<LokiMetrics>,
    log: LogLimit,
    hasher: LabelHasher,
    label_text: String,
    line_text: String,
    sender: JoinHandle<()>,
    timer: JoinHandle<()>,
    abort: CancellationToken,
}

/// What the stage's thread and the timer share: one open batch for each tenant, and the way out.
struct Shared {
    open: Mutex<Vec<OpenBatch>>,
    queue: Arc<Queue>,
    batch_bytes: usize,
    batch_wait: Duration,
    metrics: Arc<LokiMetrics>,
}

impl WriteLoki {
    pub fn new(config: &LokiConfig, context: &BuildContext) -> Result<Self, StageError> {
        let fail = |message: String| StageError::new(&context.name, message);
        let uri = config.push_uri().map_err(fail)?;
        let host = uri
            .authority()
            .map_or("", |authority| authority.as_str())
            .to_owned();
        let metrics = Arc::new(LokiMetrics::new(&context.metrics, &context.name, &host));
        let gauge = context
            .metrics
            .gauge(&operational::LOKI_QUEUE_BYTES, &[&context.name]);
        let queue = Arc::new(Queue::new(
            config.queue_bytes as usize,
            config.when_full,
            gauge,
        ));
        let shared = Arc::new(Shared {
            open: Mutex::default(),
            queue: Arc::clone(&queue),
            batch_bytes: config.batch_size as usize,
            batch_wait: config.batch_wait(),
            metrics: Arc::clone(&metrics),
        });
        let labels = Labels::new(&config.labels, &config.static_labels);
        let ignored = config
            .ignore_list
            .iter()
            .map(|name| Key::from(name.as_str()));
        let skipped: Vec<Key> = labels.fields().cloned().chain(ignored).collect();
        let line = LineWriter::new(config.format.into(), config.reorder, &skipped);
        let timestamp = Key::from(config.timestamp_label.as_str());
        let abort = CancellationToken::new();
        let (first, longest) = config.backoff();
        let client_config = config.client_config.clone().unwrap_or_default();
        let sender = Sender {
            queue,
            client: Client::new(uri, client_config, config.timeout()).map_err(fail)?,
            backoff: Backoff { first, longest },
            attempts: config.max_retries,
            metrics: Arc::clone(&metrics),
            abort: abort.clone(),
            log: LogLimit::new(&context.name),
        };
        Ok(Self {
            is_timestamp_shown: line.shows(&timestamp),
            timestamp,
            timestamp_scale: config.timestamp_scale(),
            tenant: Some(config.tenant_id.clone()).filter(|tenant| !tenant.is_empty()),
            log: LogLimit::new(&context.name),
            hasher: LabelHasher::default(),
            label_text: String::new(),
            line_text: String::new(),
            sender: context.runtime.spawn(sender.run()),
            timer: context.runtime.spawn(tick(Arc::clone(&shared))),
            context: context.clone(),
            labels,
            line,
            shared,
            metrics,
            abort,
        })
    }

    fn timestamp(&mut self, record: &Record, now: SystemTime) -> (i64, i32) {
        let value = if self.is_timestamp_shown {
            record.get(&self.timestamp)
        } else {
            None
        };
        let nanoseconds = time::nanoseconds(value, self.timestamp_scale).unwrap_or_else(|| {
            self.log.warn(
                self.timestamp.name(),
                1,
                "no usable time in the timestampLabel field, now is used",
            );
            time::moment(now)
        });
        time::split(nanoseconds)
    }
}

impl Terminal for WriteLoki {
    fn write(&mut self, batch: &Batch) {
        let shared = Arc::clone(&self.shared);
        let (now, clock) = (Instant::now(), SystemTime::now());
        let mut open = lock(&shared.open);
        for record in &batch.records {
            self.label_text.clear();
            self.labels.write(record, &mut self.label_text);
            self.line_text.clear();
            self.line.write(record, clock, &mut self.line_text);
            let timestamp = self.timestamp(record, clock);
            let own_tenant = self.labels.tenant(record);
            let tenant = own_tenant.as_ref().or(self.tenant.as_ref());
            let mut found = open
                .iter()
                .position(|batch| batch.tenant() == tenant.map(String::as_str));
            if let Some(at) = found
                && !open[at].has_room(self.line_text.len(), shared.batch_bytes)
            {
                shared.enqueue(open.swap_remove(at));
                found = None;
            }
            let at = found.unwrap_or_else(|| {
                open.push(OpenBatch::new(tenant.cloned(), now, self.hasher.clone()));
                open.len() - 1
            });
            open[at].add(&self.label_text, timestamp, &self.line_text);
        }
        self.metrics.written.add(batch.len() as u64);
    }

    fn end_patience(&self) -> Option<EndPatience> {
        let queue = Arc::clone(&self.shared.queue);
        Some(Box::new(move |deadline| queue.end_patience(deadline)))
    }

    fn finish(mut self: Box<Self>, deadline: Instant) {
        self.timer.abort();
        self.shared.queue.end_patience(deadline);
        for batch in lock(&self.shared.open).drain(..) {
            self.shared.enqueue(batch);
        }
        self.shared.queue.close();
        let abort = self.abort.clone();
        let sender = &mut self.sender;
        self.context.runtime.block_on(async move {
            if tokio::time::timeout_at(deadline.into(), &mut *sender)
                .await
                .is_err()
            {
                abort.cancel();
                if tokio::time::timeout(ABORT_GRACE, sender).await.is_err() {
                    tracing::error!("the Loki sender did not stop");
                }
            }
        });
    }
}

impl Drop for WriteLoki {
    fn drop(&mut self) {
        self.timer.abort();
        self.shared.queue.close();
    }
}

impl Shared {
    fn enqueue(&self, batch: OpenBatch) {
        let push = batch.close();
        self.metrics.encoded_bytes.add(push.body.len() as u64);
        if let Err(push) = self.queue.push(push) {
            self.metrics.dropped(&push, "queue_full");
        }
    }

    /// Queues the batches that are old enough.
    fn enqueue_old(&self) {
        let mut open = lock(&self.open);
        while let Some(at) = open
            .iter()
            .position(|batch| batch.opened().elapsed() >= self.batch_wait)
        {
            self.enqueue(open.swap_remove(at));
        }
    }
}

/// Looks at the age of the open batches until it is aborted. Closing one compresses, so not on an async worker; under
/// the lock, so that batches are queued in order.
async fn tick(shared: Arc<Shared>) {
    let period = (shared.batch_wait / 10).max(TICK_MIN);
    loop {
        tokio::time::sleep(period).await;
        let shared = Arc::clone(&shared);
        if tokio::task::spawn_blocking(move || shared.enqueue_old())
            .await
            .is_err()
        {
            return;
        }
    }
}
