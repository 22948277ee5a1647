//! What needs this machine's kernel and root: the kernel programs and the watcher of links, in network namespaces of each
//! test's own.
#![allow(clippy::unwrap_used, reason = "tests")]

mod attach;
mod dns;
mod flows;
mod interfaces;
#[path = "../support/isolated.rs"]
mod isolation;
mod rtt;
#[path = "../support/support.rs"]
mod support;
mod table;
mod times;
