//! `cargo +nightly fuzz run json_line fuzz/corpus/json_line fuzz/seeds/json_line`
#![no_main]

#[path = "../targets.rs"]
#[allow(dead_code, reason = "one target of several")]
mod targets;

libfuzzer_sys::fuzz_target!(|input: &[u8]| targets::json_line(input));
