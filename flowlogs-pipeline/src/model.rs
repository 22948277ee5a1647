//! The record and what it is made of. Every stage reads and writes these types.
//!
//! **Invariant:** plain data, no input or output, no clock, no knowledge of stages. A value keeps the dynamic
//! type of its origin (a JSON number is a float, a protobuf number has its width), because filters and
//! outputs distinguish them.

mod address;
mod batch;
mod field;
mod literal;
mod record;
#[cfg(test)]
mod tests;
mod value;

pub use address::{Address, Mac};
pub use batch::{BATCH_RECORDS_MAX, Batch, RECORD_MEMORY};
pub use field::{FIELD_COUNT, Field, Key, Kind};
pub use literal::TextLiteral;
pub use record::{Observed, Record};
pub use value::{BitNames, BitTable, Number, StringMap, TCP_FLAGS, Text, Value, ValueRef};
