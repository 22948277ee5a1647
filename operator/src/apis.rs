//! The custom resources: types, all served versions, schemas, conversion, validation.
//!
//! **Invariant:** nothing here knows a client, a clock or the environment.

pub mod crd;
pub mod duration;
pub mod external;
pub mod flowcollector;
pub mod flowcollectorslice;
pub mod flowmetric;
mod foreign;
mod names;
mod pattern;
pub mod query;
pub mod reference;
mod resource;
pub mod schema;
pub mod subnets;
mod text_enum;
pub mod validation;

/// API group of all our resources.
pub const GROUP: &str = "flows.netobserv.io";
