//! Encode stages: the ends of branches where records become something else.
//!
//! `topology` calls [`build`] with what `config` parsed.
//! **Invariant:** an encode stage never waits for anything outside this process.

pub mod prom;

use crate::stage::{BuildContext, StageError, Terminal};
use crate::write::none::WriteNone;

/// The settings of one encode stage.
#[derive(Clone, Debug)]
pub enum EncodeConfig {
    Prom(Box<prom::PromConfig>),
    None,
}

/// Builds the stage.
pub fn build(
    config: &EncodeConfig,
    context: &BuildContext,
) -> Result<Box<dyn Terminal>, StageError> {
    Ok(match config {
        EncodeConfig::Prom(config) => Box::new(prom::EncodeProm::new(config, context)?),
        EncodeConfig::None => Box::new(WriteNone),
    })
}
