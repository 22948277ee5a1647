//! Any bytes as a frame, read by the parsers of the kernel programs. `cargo +nightly fuzz run packet`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netobserv_ebpf_kernel::{
    bytes::Slice,
    packet::{self, Packet, dns},
};

fuzz_target!(|input: (u16, &[u8])| {
    let (ethertype, bytes) = input;
    let slice = Slice { bytes, ethertype };
    let (mut usual, mut parsed) = (Packet::default(), Packet::default());
    let is_usual = packet::usual(&slice, &mut usual).is_some();
    let is_parsed = packet::parse(&slice, &mut parsed).is_some();
    if is_usual {
        assert!(
            is_parsed && usual == parsed,
            "both ways to read a frame agree"
        );
    }
    if is_parsed {
        let message = dns::parse(&slice, &parsed, bytes.len());
        assert!(message.name_offset <= bytes.len());
    }
});
