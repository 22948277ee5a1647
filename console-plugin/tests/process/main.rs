//! The binary as a process of its own.
#![allow(clippy::unwrap_used, reason = "tests")]

mod command;
mod crash;
#[path = "../support/process.rs"]
mod process;
