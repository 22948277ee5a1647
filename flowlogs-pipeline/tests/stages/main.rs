//! One stage against what it talks to: the `prom` stage and its server, the Loki stage and a fake.
#![allow(clippy::unwrap_used, reason = "tests")]

mod encode_prom;
#[path = "../support/loki.rs"]
mod loki;
mod write_loki;
mod write_loki_contract;
