//! The manager as a process, on a real API server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "tests: a failure is a panic, and tables hold literals"
)]

mod adopt;
mod again;
mod chart;
mod cut;
mod deploy;
mod edits;
mod keeps;
mod leader;
mod life;
mod lokistack;
mod migration;
mod outage;
mod parts;
mod references;
mod samples;
#[path = "../support/mod.rs"]
mod support;
mod sweep;
mod thin;
mod tls;
mod unreadable;
mod webhooks;
