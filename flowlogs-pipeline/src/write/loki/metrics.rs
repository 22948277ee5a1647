//! What the Loki stage counts.
//!
//! **Invariant:** `written = sent + dropped + what waits`, in records.

use std::time::Duration;

use super::batch::Push;
use crate::metrics::{Counter, Operational, operational};

pub struct LokiMetrics {
    operational: Operational,
    stage: String,
    host: String,
    pub written: Counter,
    pub encoded_bytes: Counter,
    pub retries: Counter,
    sent_bytes: Counter,
    sent_entries: Counter,
    dropped_bytes: Counter,
    dropped_entries: Counter,
}

/// Why records are dropped here.
const CAUSES: [&str; 4] = ["queue_full", "refused", "retries_exhausted", "shutdown"];
/// The only protocol in this version.
const TRANSPORT: &str = "http";

impl LokiMetrics {
    pub fn new(operational: &Operational, stage: &str, host: &str) -> Self {
        // Shown from the start: whoever adds up differences must see the step from zero.
        for cause in CAUSES {
            operational.records_dropped(stage, cause);
        }
        let counter = |definition| operational.counter(definition, &[host, TRANSPORT]);
        Self {
            operational: operational.clone(),
            stage: stage.into(),
            host: host.into(),
            written: operational.counter(&operational::RECORDS_WRITTEN, &[stage]),
            encoded_bytes: counter(&operational::LOKI_ENCODED_BYTES),
            retries: counter(&operational::LOKI_BATCH_RETRIES),
            sent_bytes: counter(&operational::LOKI_SENT_BYTES),
            sent_entries: counter(&operational::LOKI_SENT_ENTRIES),
            dropped_bytes: counter(&operational::LOKI_DROPPED_BYTES),
            dropped_entries: counter(&operational::LOKI_DROPPED_ENTRIES),
        }
    }

    pub fn sent(&self, push: &Push) {
        self.sent_bytes.add(push.body.len() as u64);
        self.sent_entries.add(push.entries);
    }

    pub fn dropped(&self, push: &Push, cause: &str) {
        self.dropped_bytes.add(push.body.len() as u64);
        self.dropped_entries.add(push.entries);
        self.operational
            .records_dropped(&self.stage, cause)
            .add(push.entries);
    }

    pub fn request(&self, status: &str, took: Duration) {
        let labels = [status, &self.host, TRANSPORT];
        self.operational
            .histogram(&operational::LOKI_REQUEST_DURATION, &labels)
            .observe(took.as_secs_f64());
    }
}
