//! Whole pipelines: in the test's process, and as the program.
#![allow(clippy::unwrap_used, reason = "tests")]

mod contract_metrics;
mod flows;
#[path = "../support/loki.rs"]
mod loki;
mod loki_away;
mod peers;
#[path = "../support/pipeline.rs"]
mod pipeline;
mod process;
mod tls;
