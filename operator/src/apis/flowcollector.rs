//! FlowCollector: types of each served version, conversion between them, validation.

pub mod convert;
pub mod loki_connection;
mod paths;
pub mod predefined;
mod restore;
mod texts;
pub mod v1beta1;
pub mod v1beta2;
pub mod validate;

pub use v1beta2::FlowCollector;

/// Name of the only FlowCollector there may be.
pub const NAME: &str = "cluster";
