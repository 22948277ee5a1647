//! Transform stages: change, complete or remove records.
//!
//! `topology` calls [`build`] with what `config` parsed.
//! **Invariant:** pure but for the files read when a stage is built; a rule that does not fit a record leaves it
//! as it is.

pub mod filter;
pub mod generic;
pub mod network;

use crate::config::TransformConfig;
use crate::model::Batch;
use crate::stage::{BuildContext, StageError, Transform};

/// Builds the stage.
pub fn build(
    config: &TransformConfig,
    context: &BuildContext,
) -> Result<Box<dyn Transform>, StageError> {
    let fail = |message: String| StageError::new(&context.name, message);
    Ok(match config {
        TransformConfig::None => Box::new(Pass),
        TransformConfig::Generic(config) => Box::new(generic::TransformGeneric::new(config)),
        TransformConfig::Filter(config) => {
            Box::new(filter::TransformFilter::new(config).map_err(fail)?)
        }
        TransformConfig::Network(config) => {
            Box::new(network::TransformNetwork::new(config).map_err(fail)?)
        }
    })
}

struct Pass;

impl Transform for Pass {
    fn transform(&mut self, _: &mut Batch) {}
}
