//! The flow store alone, through its public face.
#![allow(clippy::unwrap_used, reason = "tests")]

mod basic;
mod crash;
mod duckdb;
mod files;
#[path = "../support/flows.rs"]
mod flows;
mod http;
mod recovery;
#[path = "../support/store.rs"]
mod support;
