//! Everything Prometheus can scrape here: metrics made from flows, and metrics about this program.
//!
//! The `prom` encoder fills expiring families, all other stages take instruments from the table of operational
//! metrics, and the metrics server shows what one registry holds.
//! **Invariant:** nothing in this area knows a stage or a record.

pub mod family;
pub mod instrument;
pub mod operational;
mod proc_self;
pub mod process;
pub mod registry;
pub mod server;
pub mod text;

pub use instrument::{Counter, Gauge, Histogram, Reading, Summary};
pub use operational::Operational;
pub use registry::Registry;
