//! One JSON object per line from standard input.
//!
//! **Invariant:** ends at the end of the input, after the last line was sent.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio_util::sync::CancellationToken;

use super::lines::{LINE_BYTES_MAX, decode_json};
use super::now_seconds;
use crate::metrics::Counter;
use crate::metrics::operational::{INGEST_ERRORS, INGEST_FLOWS_PROCESSED};
use crate::model::{BATCH_RECORDS_MAX, Batch};
use crate::stage::{BuildContext, Ingest, IngestFuture, StageError};
use crate::topology::Inlet;

/// Bytes read at once.
const BUFFER_BYTES: usize = 64 << 10;

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
            let mut input = BufReader::with_capacity(BUFFER_BYTES, tokio::io::stdin());
            let mut batch = Batch::default();
            let mut line = Vec::new();
            loop {
                line.clear();
                let mut limited = (&mut input).take(LINE_BYTES_MAX as u64);
                let read = tokio::select! {
                    () = stop.cancelled() => Ok(0),
                    read = limited.read_until(b'\n', &mut line) => read,
                };
                let read = read.map_err(|error| {
                    StageError::new(&self.name, format_args!("read stdin: {error}"))
                })?;
                if read == LINE_BYTES_MAX && !line.ends_with(b"\n") {
                    self.ignore("longer than 1 MiB");
                    skip_line(&mut input).await;
                } else if !line.trim_ascii().is_empty() {
                    match decode_json(&line, now_seconds()) {
                        Ok(record) => batch.records.push(record),
                        Err(error) => self.ignore(error),
                    }
                }
                // Waits for more only when everything read has been sent.
                if read == 0 || batch.len() >= BATCH_RECORDS_MAX || input.buffer().is_empty() {
                    self.flows.add(batch.len() as u64);
                    inlet.send(std::mem::take(&mut batch)).await;
                }
                if read == 0 {
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

/// Passes over the rest of a line that is too long. An error shows at the next read.
async fn skip_line(input: &mut BufReader<tokio::io::Stdin>) {
    while let Ok(bytes) = input.fill_buf().await {
        let (used, is_end) = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(place) => (place + 1, true),
            None => (bytes.len(), bytes.is_empty()),
        };
        input.consume(used);
        if is_end {
            return;
        }
    }
}
