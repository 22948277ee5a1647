//! The components' own configuration, rendered from the specification.

mod digest;
mod pipeline;

pub use pipeline::{CONFIG_FOLDER, Rendered, pipeline};
