//! What each fuzz target does with its bytes, whoever chooses them: libFuzzer (`fuzz_targets/`), or `tests/host/fuzz.rs` of the
//! agent, which changes the seeds at random for a few seconds in every `cargo test`.
//!
//! **Invariant:** what must hold for any bytes is asserted here and nowhere else.

use netobserv_ebpf_kernel::{
    bytes::Slice,
    packet::{self, Packet, dns},
};

/// An ethertype (what the device says, in two bytes), then a frame or a packet without link header, read by the parsers of the kernel programs.
pub fn packet(input: &[u8]) {
    let Some((ethertype, bytes)) = input.split_first_chunk() else {
        return;
    };
    let slice = Slice {
        bytes,
        ethertype: u16::from_be_bytes(*ethertype),
    };
    let (mut usual, mut parsed) = (Packet::default(), Packet::default());
    let is_usual = packet::usual(&slice, &mut usual).is_some();
    let is_frame = packet::parse(&slice, &mut parsed).is_some();
    if is_usual {
        assert!(
            is_frame && usual == parsed,
            "both ways to read a frame agree"
        );
    }
    let mut bare = Packet::default();
    let is_bare = packet::parse_network(&slice, &mut bare).is_some();
    for parsed in [(is_frame, parsed), (is_bare, bare)]
        .into_iter()
        .filter_map(|(is_parsed, packet)| is_parsed.then_some(packet))
    {
        let message = dns::parse(&slice, &parsed, bytes.len());
        assert!(message.name_offset <= bytes.len());
    }
}

/// The bytes of a DNS question's name, read by the agent's decoder.
pub fn dns_name(decode: fn(&[u8], &mut Vec<u8>), input: &[u8]) {
    let mut text = Vec::new();
    decode(input, &mut text);
    assert!(text.len() <= input.len(), "a name never grows");
    assert!(
        text.iter().all(|byte| byte.is_ascii() && *byte != 0),
        "a name is text"
    );
}
