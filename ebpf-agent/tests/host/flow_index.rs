//! The places of keys in the flow table, on the host: keys as regular as networks make them, and many starts of the agent.

use netobserv_ebpf_agent::kernel::abi::{
    FlowKey, HASH_NUMBERS, PROTOCOL_ICMP, PROTOCOL_TCP, TRIES, index_starts, mapped, number_bits,
    ports,
};
use netobserv_ebpf_kernel::index::Chain;

/// Starts that are tried: of 20,000 with a hash that kept the keys' distances, 66 lost flows of the first pattern.
const STARTS: u64 = 2000;
/// A full table of the default size.
const FLOWS: u32 = 5000;

/// Numbers that are as good as random, and the same in every run (SplitMix64).
fn scrambled(number: u64) -> u64 {
    let mut word = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

fn secret_numbers(start: u64) -> [u64; HASH_NUMBERS] {
    std::array::from_fn(|index| scrambled(start * HASH_NUMBERS as u64 + index as u64 + 1))
}

fn ipv4(octets: [u8; 4]) -> [u32; 4] {
    mapped(u32::from_ne_bytes(octets))
}

fn tcp(source_port: u16, destination_port: u16) -> FlowKey {
    FlowKey {
        source: ipv4([10, 0, 0, 1]),
        destination: ipv4([10, 0, 1, 2]),
        ports: ports(source_port, destination_port),
        transport: PROTOCOL_TCP.into(),
    }
}

/// The flow of a number, by pattern.
type Pattern = (&'static str, fn(u32) -> FlowKey);

const PATTERNS: [Pattern; 5] = [
    ("sequential source ports", |flow| {
        tcp(32_768 + flow as u16, 443)
    }),
    ("even source ports, as connect takes them", |flow| {
        tcp(32_768 + 2 * flow as u16, 443)
    }),
    ("a scan of ports", |flow| tcp(40_000, 1 + flow as u16)),
    ("sequential IPv6 addresses", |flow| FlowKey {
        source: [0xfd_u32.to_be(), 0, 0, flow.to_be()],
        destination: [0xfd_u32.to_be(), 1, 0, 1],
        ports: ports(40_000, 443),
        transport: PROTOCOL_TCP.into(),
    }),
    ("two small networks, without ports", |flow| {
        let [low, high, ..] = flow.to_le_bytes();
        FlowKey {
            source: ipv4([10, 0, 0, high]),
            destination: ipv4([10, 0, 1, low]),
            ports: 0,
            transport: u32::from(PROTOCOL_ICMP) | 8 << 8,
        }
    }),
];

/// Fills an empty index as the kernel programs do; how many places were tried, and how many flows found none.
fn fill(flows: u32, flow: fn(u32) -> FlowKey, secret: &[u64]) -> (u32, u32) {
    let mut taken = vec![false; (index_starts(flows) + TRIES) as usize];
    let (mut tries, mut lost) = (0, 0);
    for number in 0..flows {
        let chain = Chain::new(&flow(number), flows, number_bits(flows), |index| {
            secret[index]
        });
        let free = (0..TRIES).find(|step| !taken[chain.place(*step) as usize]);
        match free {
            Some(step) => taken[chain.place(step) as usize] = true,
            None => lost += 1,
        }
        tries += free.map_or(TRIES, |step| step + 1);
    }
    (tries, lost)
}

#[track_caller]
fn check(flows: u32, starts: u64, (pattern, flow): Pattern) {
    let mut all_tries = 0;
    for start in 0..starts {
        let (tries, lost) = fill(flows, flow, &secret_numbers(start));
        assert_eq!(lost, 0, "flows lost with {pattern}, start {start}");
        let average = f64::from(tries) / f64::from(flows);
        assert!(
            average < 2.5,
            "{average} tries with {pattern}, start {start}"
        );
        all_tries += u64::from(tries);
    }
    // 1.5 is what it takes where any place is as likely as any other.
    let average = all_tries as f64 / (starts * u64::from(flows)) as f64;
    assert!(average < 1.6, "{average} tries on average with {pattern}");
}

#[test]
fn regular_keys_find_a_place_in_a_full_table_whatever_the_secret_numbers_are() {
    for pattern in PATTERNS {
        check(FLOWS, STARTS, pattern);
    }
}

#[test]
fn everyone_of_one_network_and_everyone_of_another_find_a_place() {
    check(256 * 256, 50, PATTERNS[4]);
}

#[test]
fn a_place_leads_to_its_own_key_only() {
    let secret = secret_numbers(0);
    let chain_of = |flow: u32| {
        Chain::new(&tcp(flow as u16, 443), FLOWS, number_bits(FLOWS), |index| {
            secret[index]
        })
    };
    let bits = number_bits(FLOWS);
    let mut mistaken = 0;
    for flow in 0..FLOWS {
        let (chain, other) = (chain_of(flow), chain_of(flow + FLOWS));
        assert_eq!(chain.number(chain.word(flow), bits), Some(flow));
        mistaken += u32::from(other.number(chain.word(flow), bits).is_some());
    }
    // Nineteen bits of the hash stand in a place.
    assert!(mistaken < 3, "{mistaken}");
}
