//! The flow store alone, through its public face.
#![allow(clippy::unwrap_used, reason = "tests")]

mod basic;
mod crash;
mod damage;
mod duckdb;
mod files;
#[path = "../support/flows.rs"]
mod flows;
mod full_disk;
mod http;
mod limits;
mod recovery;
mod retention;
#[path = "../support/store.rs"]
mod support;
mod tool;
