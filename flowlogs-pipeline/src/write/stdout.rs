//! `write/stdout`: each record as text on the standard output.
//!
//! **Invariant:** a batch is written in one piece; an output that is gone is counted, not fatal.

use std::io::{Stdout, Write};
use std::time::{Instant, SystemTime};

use schemars::JsonSchema;
use serde::Deserialize;

use super::line::{Format, LineWriter};
use crate::config::Problems;
use crate::metrics::{Counter, operational};
use crate::model::Batch;
use crate::stage::{BuildContext, Terminal};

/// `write.stdout`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct StdoutConfig {
    /// `json`, `fields`; anything else is `printf`.
    pub format: String,
}

impl StdoutConfig {
    pub fn validate(&self, problems: &mut Problems) {
        if !matches!(self.format.as_str(), "" | "json" | "fields" | "printf") {
            problems.warn(
                "format",
                format!(
                    "'{}' is not json, fields or printf: printf is used",
                    self.format
                ),
            );
        }
    }

    fn format(&self) -> Format {
        match self.format.as_str() {
            "json" => Format::Json,
            "fields" => Format::Fields,
            _ => Format::Printf,
        }
    }
}

/// The stage.
pub struct WriteStdout<W = Stdout> {
    output: W,
    writer: LineWriter,
    text: String,
    written: Counter,
    dropped: Counter,
}

impl<W: Write> WriteStdout<W> {
    pub fn new(config: &StdoutConfig, output: W, context: &BuildContext) -> Self {
        Self {
            output,
            writer: LineWriter::new(config.format(), false, &[]),
            text: String::new(),
            written: context
                .metrics
                .counter(&operational::RECORDS_WRITTEN, &[&context.name]),
            dropped: context
                .metrics
                .records_dropped(&context.name, "output_closed"),
        }
    }
}

impl<W: Write + Send> Terminal for WriteStdout<W> {
    fn write(&mut self, batch: &Batch) {
        self.text.clear();
        let now = SystemTime::now();
        for record in &batch.records {
            self.writer.write(record, now, &mut self.text);
            self.text.push('\n');
        }
        let text = self.text.as_bytes();
        let outcome = self
            .output
            .write_all(text)
            .and_then(|()| self.output.flush());
        let counter = if outcome.is_ok() {
            &self.written
        } else {
            &self.dropped
        };
        counter.add(batch.len() as u64);
    }

    fn finish(self: Box<Self>, _: Instant) {}
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::metrics::{Operational, Registry};
    use crate::model::{Field, Record};

    /// Takes what is written until it has been closed.
    #[derive(Clone, Default)]
    struct Pipe(Arc<Mutex<Option<Vec<u8>>>>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut taken = self.0.lock().unwrap();
            taken
                .as_mut()
                .ok_or(io::ErrorKind::BrokenPipe)?
                .extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn records_are_lines_until_nobody_reads_and_then_they_are_counted() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let metrics = Operational::new(Registry::default(), "");
        let context = BuildContext {
            name: "out".into(),
            metrics: metrics.clone(),
            runtime: runtime.handle().clone(),
        };
        let pipe = Pipe(Arc::new(Mutex::new(Some(Vec::new()))));
        let config = StdoutConfig {
            format: "json".into(),
        };
        let mut stage = WriteStdout::new(&config, pipe.clone(), &context);
        let mut record = Record::new();
        record.set_number(Field::Bytes, 7);
        let batch = Batch::from(vec![record.clone(), record]);
        stage.write(&batch);
        let text = pipe.0.lock().unwrap().take().unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "{\"Bytes\":7}\n{\"Bytes\":7}\n"
        );
        stage.write(&batch);
        let shown = metrics.registry().to_text();
        assert!(
            shown.contains("records_written{stage=\"out\"} 2\n"),
            "{shown}"
        );
        assert!(
            shown.contains("{stage=\"out\",cause=\"output_closed\"} 2\n"),
            "{shown}"
        );
    }
}
