//! The agent's messages: from the bytes of a `pbflow.Records` straight to records. Called by `grpc` and `file`.
//!
//! **Invariant:** takes exactly the messages that a protobuf library takes (`prost` is the oracle in the tests),
//! reads each byte once, never past the end, and allocates in proportion to the message.

pub mod decode;
pub mod names;
pub mod raw;
#[cfg(test)]
mod tests;
pub mod wire;

pub use decode::Decoder;
pub use wire::Malformed;

/// The generated messages: the oracle of tests and fuzz targets, and what benches send.
#[cfg(feature = "pbflow")]
#[allow(
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
pub mod pbflow {
    tonic::include_proto!("pbflow");
}
