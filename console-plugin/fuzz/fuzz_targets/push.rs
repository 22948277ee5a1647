//! `cargo +nightly fuzz run push fuzz/corpus/push fuzz/seeds/push`
#![no_main]

#[path = "../targets.rs"]
#[allow(dead_code, reason = "one target of several")]
mod targets;

libfuzzer_sys::fuzz_target!(|input: &[u8]| targets::push(input));
