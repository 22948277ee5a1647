//! Lines of a file: once, again every ten seconds, or in pieces.
//!
//! **Invariant:** the file is read as a stream, never held as a whole.

pub mod config;

use std::time::Duration;

use tokio::fs::File;
use tokio_util::sync::CancellationToken;

pub use config::{FileConfig, Mode};

use self::config::DecoderType;
use super::lines::{Lines, TooLong, decode_json};
use super::now_seconds;
use super::protobuf::Decoder;
use crate::metrics::Counter;
use crate::metrics::operational::{INGEST_ERRORS, INGEST_FLOWS_PROCESSED};
use crate::model::{BATCH_RECORDS_MAX, Batch, Record};
use crate::stage::{BuildContext, Ingest, IngestFuture, StageError};
use crate::topology::Inlet;

/// How long `file_loop` waits before each pass.
const LOOP_PERIOD: Duration = Duration::from_secs(10);
/// Lines that `file_chunks` sends together.
const CHUNK_LINES: usize = 100;

/// The file ingesters.
pub struct IngestFile {
    name: String,
    config: FileConfig,
    mode: Mode,
    flows: Counter,
    bad_lines: Counter,
}

impl IngestFile {
    /// Looks whether the file is there.
    pub fn new(
        config: &FileConfig,
        mode: Mode,
        context: &BuildContext,
    ) -> Result<Self, StageError> {
        let (name, metrics) = (context.name.clone(), &context.metrics);
        // Not opened: a pipe would keep us here until somebody writes to it.
        std::fs::metadata(&config.filename).map_err(|error| {
            StageError::new(&name, format_args!("open {}: {error}", config.filename))
        })?;
        let kind = match mode {
            Mode::Once => "file",
            Mode::Loop => "file_loop",
            Mode::Chunks => "file_chunks",
        };
        Ok(Self {
            flows: metrics.counter(&INGEST_FLOWS_PROCESSED, &[&name]),
            bad_lines: metrics.counter(&INGEST_ERRORS, &[&name, kind, "Ignoring line"]),
            config: config.clone(),
            mode,
            name,
        })
    }

    async fn pass(&self, inlet: &Inlet, stop: &CancellationToken) -> std::io::Result<()> {
        let opened = stop.run_until_cancelled(File::open(&self.config.filename));
        let Some(file) = opened.await else {
            return Ok(());
        };
        let mut lines = Lines::new(file?);
        let batch_records_max = if self.mode == Mode::Chunks {
            CHUNK_LINES
        } else {
            BATCH_RECORDS_MAX
        };
        let mut batch = Batch::default();
        // A pipe may have nothing for us for ever.
        while let Some(line) = stop
            .run_until_cancelled(lines.next())
            .await
            .transpose()?
            .flatten()
        {
            match line {
                Ok([]) => {}
                Ok(line) => match self.decode(line) {
                    Some(record) => {
                        let memory = record.memory() + line.len();
                        batch.push(record, memory);
                    }
                    None => self.bad_lines.inc(),
                },
                Err(TooLong) => self.bad_lines.inc(),
            }
            if batch.weight() >= batch_records_max {
                self.send(inlet, &mut batch).await;
            }
        }
        self.send(inlet, &mut batch).await;
        Ok(())
    }

    async fn send(&self, inlet: &Inlet, batch: &mut Batch) {
        let records = batch.len() as u64;
        inlet.send_or_lose(vec![std::mem::take(batch).into()]).await;
        self.flows.add(records);
    }

    fn decode(&self, line: &[u8]) -> Option<Record> {
        match self.config.decoder.r#type {
            DecoderType::Json => decode_json(line, now_seconds()).ok(),
            DecoderType::Protobuf => Decoder::new(&[], now_seconds()).record(line).ok().flatten(),
        }
    }
}

impl Ingest for IngestFile {
    fn run(self: Box<Self>, inlet: Inlet, stop: CancellationToken) -> IngestFuture {
        Box::pin(async move {
            loop {
                if self.mode == Mode::Loop {
                    tokio::select! {
                        () = stop.cancelled() => return Ok(()),
                        () = tokio::time::sleep(LOOP_PERIOD) => {}
                    }
                }
                let passed = self.pass(&inlet, &stop).await;
                let file = &self.config.filename;
                passed.map_err(|error| {
                    StageError::new(&self.name, format_args!("read {file}: {error}"))
                })?;
                if self.mode != Mode::Loop {
                    return Ok(());
                }
            }
        })
    }
}
