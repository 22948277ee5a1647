//! The agent: network flows from the Linux kernel, exported as `pbflow`.
//!
//! `main.rs` is the thin front of it; the map of the code is in `ARCHITECTURE.md`.
#![deny(unsafe_code)]

pub mod agent;
pub mod agent_address;
pub mod app;
pub mod cli;
pub mod config;
pub mod evict;
pub mod exporters;
pub mod flow;
pub mod health;
pub mod interfaces;
pub mod kernel;
pub mod metrics;
pub mod privilege;
pub mod shutdown;
pub mod telemetry;
pub mod tls;

/// Version of this build.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Commit of this build, `unknown` outside a git tree.
pub const COMMIT: &str = env!("BUILD_COMMIT");
/// Date of this build.
pub const BUILD_DATE: &str = env!("BUILD_DATE");
