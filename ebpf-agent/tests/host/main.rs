//! What needs neither privilege nor network: the kernel's arithmetic and parsers on the host, and the generated files.
#![allow(clippy::unwrap_used, reason = "tests")]

mod contracts;
mod flow_index;
mod fuzz;
mod packet;
mod tick;
