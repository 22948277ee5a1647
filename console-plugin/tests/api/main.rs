//! The console over HTTP: pushed to and asked as its clients do.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../support/console.rs"]
mod console;
mod contract_loki;
mod contract_metrics;
mod errors;
mod flows;
mod losses;
mod metrics;
mod safety;
mod tls;
