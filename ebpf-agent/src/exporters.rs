//! Exporters: encoded batches from a bounded queue to the outside.
//!
//! The datapath thread offers batches through `BatchSender`; one exporter task takes them.
//!
//! **Invariant:** offering never waits, and every record that is offered is delivered, or counted as lost by cause.

pub mod grpc;
mod split;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tracing::warn;

use crate::flow::EncodedBatch;
use crate::metrics::Metrics;
use crate::telemetry::limit::Limit;

/// How often to say that the queue overflows.
const OVERFLOW_LINE_PERIOD: Duration = Duration::from_mins(1);

/// The datapath's end of the queue.
#[derive(Debug)]
pub struct BatchSender {
    sender: mpsc::Sender<EncodedBatch>,
    metrics: Arc<Metrics>,
    overflow: Limit,
}

/// The exporter's end of the queue. It ends when the sender is gone and everything is taken.
pub type BatchReceiver = mpsc::Receiver<EncodedBatch>;

/// A queue of `length` batches.
pub fn queue(length: usize, metrics: Arc<Metrics>) -> (BatchSender, BatchReceiver) {
    let (sender, receiver) = mpsc::channel(length);
    (
        BatchSender {
            sender,
            metrics,
            overflow: Limit::new(OVERFLOW_LINE_PERIOD),
        },
        receiver,
    )
}

impl BatchSender {
    /// Queues a batch. A full queue loses it, which is counted.
    pub fn offer(&self, batch: EncodedBatch) {
        let records = u64::from(batch.records);
        match self.sender.try_send(batch) {
            Ok(()) => self
                .metrics
                .queued_batches(self.sender.max_capacity() - self.sender.capacity()),
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.metrics.dropped("limiter", "full", records);
                if let Some(flows) = self.overflow.add(records) {
                    warn!(
                        flows,
                        "flows dropped: the collector does not take them fast enough, or not at all"
                    );
                }
            }
            // The exporter has given up at the end of a shutdown.
            Err(mpsc::error::TrySendError::Closed(_)) => {
                self.metrics.dropped("grpc", "shutdown", records);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use bytes::Bytes;

    use super::*;
    use crate::config::MetricsLevel;

    #[test]
    fn a_full_queue_loses_the_new_batch_and_counts_its_records() {
        let metrics = Arc::new(Metrics::new("", MetricsLevel::Info));
        let (sender, mut receiver) = queue(2, Arc::clone(&metrics));
        for records in [1, 2, 30, 400] {
            sender.offer(EncodedBatch {
                body: Bytes::new(),
                records,
            });
        }
        assert!(
            metrics
                .render()
                .contains(r#"dropped_flows_total{source="limiter",reason="full"} 430"#)
        );
        assert!(metrics.render().contains("queued_batches 2"));
        assert_eq!(receiver.try_recv().unwrap().records, 1);
        drop(receiver);
        sender.offer(EncodedBatch {
            body: Bytes::new(),
            records: 5,
        });
        assert!(
            metrics
                .render()
                .contains(r#"dropped_flows_total{source="grpc",reason="shutdown"} 5"#)
        );
    }
}
