//! `cargo +nightly fuzz run dns_name fuzz/corpus/dns_name fuzz/seeds/dns_name`
#![no_main]

/// The file itself: the agent's crate would bring its kernel programs' compiler along.
#[path = "../../src/flow/dns_name.rs"]
mod dns_name;
#[path = "../targets.rs"]
#[allow(dead_code, reason = "one target of several")]
mod targets;

libfuzzer_sys::fuzz_target!(|input: &[u8]| targets::dns_name(dns_name::decode, input));
