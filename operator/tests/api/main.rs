//! The custom resources: their definitions, admission and conversion, without a cluster.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "tests: a failure is a panic, and tables hold literals"
)]

mod admit_flowcollector;
mod admit_flowcollectorslice;
mod admit_flowmetric;
mod convert_flowcollector;
mod crd_contracts;
mod crd_fields;
mod crd_round_trip;
mod values;
