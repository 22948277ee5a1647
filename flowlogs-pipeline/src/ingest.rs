//! Ingest stages: where records enter this program.
//!
//! `topology` calls [`build`] with what `config` parsed.
//! **Invariant:** what an ingester acknowledged to the outside it has sent into the graph; what it could not
//! read is counted, and harms nothing else.

pub mod file;
pub mod grpc;
pub mod lines;
pub mod protobuf;
pub mod stdin;

use crate::config::IngestConfig;
use crate::stage::{BuildContext, Ingest, StageError};

/// Builds the stage. A gRPC ingester listens when this returns.
pub fn build(config: &IngestConfig, context: &BuildContext) -> Result<Box<dyn Ingest>, StageError> {
    Ok(match config {
        IngestConfig::Grpc(config) => Box::new(grpc::IngestGrpc::new(config, context)?),
        IngestConfig::Stdin => Box::new(stdin::IngestStdin::new(context)),
        IngestConfig::File(config, mode) => {
            Box::new(file::IngestFile::new(config, *mode, context)?)
        }
    })
}

/// Unix time in whole seconds, for `TimeReceived`.
pub fn now_seconds() -> i64 {
    now_milliseconds() / 1000
}

/// Unix time in milliseconds.
pub fn now_milliseconds() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}
