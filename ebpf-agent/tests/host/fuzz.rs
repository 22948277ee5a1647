//! A short run of the fuzz targets: every seed as it is, then many with random damage.

#[path = "../../fuzz/targets.rs"]
mod targets;

#[path = "../support/fuzz_run.rs"]
mod harness;

use harness::run;
use netobserv_ebpf_agent::flow::dns_name;

/// Two to three seconds, unoptimised, on two processors with other work.
const CASES: u32 = 10_000;

#[test]
fn any_frame_is_read_without_harm() {
    run("packet", CASES, targets::packet);
}

#[test]
fn any_dns_name_is_read_without_harm() {
    run("dns_name", CASES, |bytes| {
        targets::dns_name(dns_name::decode, bytes);
    });
}
