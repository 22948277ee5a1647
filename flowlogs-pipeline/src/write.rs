//! Write stages: the ends of branches where records leave this program.
//!
//! `topology` calls [`build`] with what `config` parsed.
//! **Invariant:** a record handed to a write stage is either delivered or counted as dropped with its cause.

pub mod line;
pub mod loki;
pub mod none;
pub mod stdout;

use crate::stage::{BuildContext, StageError, Terminal};

/// The settings of one write stage.
#[derive(Clone, Debug)]
pub enum WriteConfig {
    Loki(Box<loki::LokiConfig>),
    Stdout(stdout::StdoutConfig),
    None,
}

/// Builds the stage.
pub fn build(
    config: &WriteConfig,
    context: &BuildContext,
) -> Result<Box<dyn Terminal>, StageError> {
    Ok(match config {
        WriteConfig::Loki(config) => Box::new(loki::WriteLoki::new(config, context)?),
        WriteConfig::Stdout(config) => {
            Box::new(stdout::WriteStdout::new(config, std::io::stdout(), context))
        }
        WriteConfig::None => Box::new(none::WriteNone),
    })
}
