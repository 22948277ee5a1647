//! The agent as others see it: its process, its exporter at a real collector, its HTTP server.
#![allow(clippy::unwrap_used, reason = "tests")]

mod certificates;
mod collector;
mod exporter_grpc;
mod health_server;
#[path = "../support/isolated.rs"]
mod isolation;
mod process;
