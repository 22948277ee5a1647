//! The objects made of a specification, without a cluster.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "tests: a failure is a panic, and tables hold literals"
)]

mod agent;
mod certificates;
mod console;
mod console_config;
mod dashboards;
mod health;
mod loki;
mod manager;
mod metrics;
mod monitoring;
mod mounts;
mod network_policy;
mod pipeline;
mod pipeline_config;
mod promql;
mod properties;
mod references;
#[path = "../support/properties.rs"]
mod set_properties;
mod slices;
mod support;
