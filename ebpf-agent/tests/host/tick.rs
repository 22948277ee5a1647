//! The word of a time and its tick, on the host.

use netobserv_ebpf_kernel::tick::{joined, time_ns};

#[test]
fn a_time_holds_for_its_tick_alone_and_is_never_early_by_more_than_66_us() {
    const YEAR_NS: u64 = 365 * 24 * 3600 * 1_000_000_000;
    for tick in [0, 1, 4_294_937_296, u64::MAX] {
        for now in [0, 1, 65_535, 65_536, 5_000_000_123, YEAR_NS, 36 * YEAR_NS] {
            let word = joined(tick, now);
            let time = time_ns(word, tick);
            assert!(time.is_some_and(|time| time <= now && now - time < 65_536));
            assert_eq!(time_ns(word, tick.wrapping_add(1)), None);
            assert_eq!(time_ns(word, tick.wrapping_sub(1)), None);
        }
    }
}
