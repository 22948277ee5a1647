//! What can be switched on besides plain flows: one feature, one file, and the same name in the agent's
//! `src/kernel/features/`, which decides whether it can run.

pub mod dns;
pub mod rtt;
