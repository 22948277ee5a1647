//! The components' own configuration, rendered from the specification.

mod console;
pub mod digest;
mod pipeline;

pub use console::{
    CONFIG_FOLDER as CONSOLE_FOLDER, Rendered as RenderedConsole, add_certificate, console,
};
pub use pipeline::{CONFIG_FOLDER, Rendered, inventory, pipeline, predefined};
