//! One JSON object per line from standard input.
//!
//! **Invariant:** ends at the end of the input, after the last line was sent.

use tokio_util::sync::CancellationToken;

use super::lines::{Lines, decode_json};
use super::now_seconds;
use crate::metrics::Counter;
use crate::metrics::operational::{INGEST_ERRORS, INGEST_FLOWS_PROCESSED};
use crate::model::{BATCH_RECORDS_MAX, Batch};
use crate::stage::{BuildContext, Ingest, IngestFuture, StageError};
use crate::topology::Inlet;

/// The stdin ingester.
pub struct IngestStdin {
    name: String,
    flows: Counter,
    bad_lines: Counter,
}

impl IngestStdin {
    /// Reads nothing yet.
    pub fn new(context: &BuildContext) -> Self {
        let (name, metrics) = (context.name.clone(), &context.metrics);
        Self {
            flows: metrics.counter(&INGEST_FLOWS_PROCESSED, &[&name]),
            bad_lines: metrics.counter(&INGEST_ERRORS, &[&name, "stdin", "Ignoring line"]),
            name,
        }
    }
}

impl Ingest for IngestStdin {
    fn run(self: Box<Self>, inlet: Inlet, stop: CancellationToken) -> IngestFuture {
        Box::pin(async move {
            let mut lines = Lines::new(tokio::io::stdin());
            let mut batch = Batch::default();
            loop {
                let next = tokio::select! {
                    () = stop.cancelled() => Ok(None),
                    next = lines.next() => next,
                };
                let next = next.map_err(|error| {
                    StageError::new(&self.name, format_args!("read stdin: {error}"))
                })?;
                let is_end = next.is_none();
                match next {
                    None => {}
                    Some(Err(error)) => self.ignore(error),
                    Some(Ok(line)) if line.trim_ascii().is_empty() => {}
                    Some(Ok(line)) => match decode_json(line, now_seconds()) {
                        Ok(record) => {
                            let memory = record.memory() + line.len();
                            batch.push(record, memory);
                        }
                        Err(error) => self.ignore(error),
                    },
                }
                // Waits for more only when everything read has been sent.
                if is_end || batch.weight() >= BATCH_RECORDS_MAX || lines.is_read_up() {
                    let records = batch.len() as u64;
                    inlet
                        .send_or_lose(vec![std::mem::take(&mut batch).into()])
                        .await;
                    self.flows.add(records);
                }
                if is_end {
                    return Ok(());
                }
            }
        })
    }
}

impl IngestStdin {
    fn ignore(&self, reason: impl std::fmt::Display) {
        self.bad_lines.inc();
        tracing::debug!(stage = self.name, %reason, "line ignored");
    }
}
