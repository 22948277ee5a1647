#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use std::fmt::Write as _;

use prost::Message as _;

use super::*;
use crate::kernel::abi::{
    DIRECTION_EGRESS, DIRECTION_INGRESS, DNS_NAME_MAX, ETHERTYPE_IPV4, OBSERVED_MAX, mapped, ports,
};

#[allow(
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]
mod pbflow {
    tonic::include_proto!("pbflow");
}

/// Names an interface by its number.
struct Numbered(String);

impl Names for Numbered {
    fn name(&mut self, netns: NetnsId, index: u32) -> &str {
        self.0 = match (netns.0, index) {
            (0, 2) => "eth0".to_owned(),
            (0, 3) => "br-ex".to_owned(),
            (netns, index) => format!("{netns}:{index}"),
        };
        &self.0
    }
}

fn encode(records: &[Record<'_>], clock: &Clock, agent: Option<&str>) -> Vec<u8> {
    let mut encoder = Encoder::new(agent.map(|ip| ip.parse().unwrap()), u32::MAX);
    for record in records {
        assert!(
            encoder
                .push(record, clock, &mut Numbered(String::new()))
                .is_none()
        );
    }
    encoder.finish().unwrap().body.to_vec()
}

fn ipv4(text: &str) -> Address {
    let address: std::net::Ipv4Addr = text.parse().unwrap();
    mapped(u32::from(address).to_be())
}

const CLOCK: Clock = Clock {
    wall_ns: 1_700_000_010_000_000_000,
    monotonic_ns: 10_000_000_000,
};

fn example() -> (FlowKey, FlowValue) {
    let key = FlowKey {
        source: ipv4("10.1.2.3"),
        destination: ipv4("10.1.2.4"),
        ports: ports(40000, 443),
        transport: 6,
    };
    let mut value = FlowValue {
        start_ns: 500_000_000,
        end_ns: 2_250_000_000,
        bytes: 1500,
        packets: 3,
        first: Observed::new(0, 2, DIRECTION_EGRESS),
        flags: 0x112,
        dscp: 46,
        ethertype: ETHERTYPE_IPV4,
        rtt_ns: 2_500_000,
        sampling: 50,
        ..FlowValue::default()
    };
    // As in the frame: destination, then source.
    let macs = *b"\x0a\x58\x0a\x81\x00\x01\x0a\x58\x0a\x81\x02\x06";
    for (word, bytes) in value.macs.iter_mut().zip(macs.chunks_exact(4)) {
        *word = u32::from_ne_bytes(bytes.try_into().unwrap());
    }
    value.observed[0] = Observed(
        Observed::new(0, 3, DIRECTION_EGRESS).0 | Observed::new(0, 3, DIRECTION_INGRESS).0,
    );
    (key, value)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn a_record_has_the_bytes_of_the_contract() {
    let (key, value) = example();
    let record = Record {
        key: &key,
        value: &value,
        dns: None,
    };
    let expected = concat!(
        "0a8001",
        "08801010011a0c0880e2cfaa061080cab5ee01220b0882e2cfaa061080e59a77",
        "2a1008868484d480cb0210818084d480cb0232100a050d0302010a12050d0402",
        "010a182e3a0908c0b80210bb03180640dc0b480362050d0d01a8c0689202c201",
        "0510a0cb9801d201080a04657468301001d201090a0562722d65781003e80132",
    );
    assert_eq!(
        hex(&encode(&[record], &CLOCK, Some("192.168.1.13"))),
        expected
    );
}

#[test]
fn flow_keys_have_the_bytes_of_the_kernel_layout() {
    let (key, _) = example();
    let words: Vec<u32> = [
        &key.source[..],
        &key.destination,
        &[key.ports, key.transport],
    ]
    .concat();
    let bytes: Vec<u8> = words.into_iter().flat_map(u32::to_ne_bytes).collect();
    let expected = concat!(
        "00000000000000000000ffff0a010203",
        "00000000000000000000ffff0a010204",
        "409cbb0106000000",
    );
    assert_eq!(hex(&bytes), expected);
}

#[test]
fn messages_are_cut_at_the_limit() {
    let (key, value) = example();
    let mut encoder = Encoder::new(None, 10_000);
    let mut sizes = Vec::new();
    for _ in 0..25_000 {
        let record = Record {
            key: &key,
            value: &value,
            dns: None,
        };
        sizes.extend(encoder.push(&record, &CLOCK, &mut Numbered(String::new())));
    }
    sizes.extend(encoder.finish());
    assert_eq!(
        sizes.iter().map(|batch| batch.records).collect::<Vec<_>>(),
        [10_000, 10_000, 5_000]
    );
    for batch in sizes {
        let decoded = pbflow::Records::decode(batch.body).unwrap();
        assert_eq!(decoded.entries.len(), batch.records as usize);
    }
    assert_eq!(encoder.finish(), None);
}

fn timestamp_of(nanoseconds: u64) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: (nanoseconds / 1_000_000_000) as i64,
        nanos: (nanoseconds % 1_000_000_000) as i32,
    }
}

fn duration_of(nanoseconds: u64) -> prost_types::Duration {
    let prost_types::Timestamp { seconds, nanos } = timestamp_of(nanoseconds);
    prost_types::Duration { seconds, nanos }
}

fn ip_of(address: &Address, is_ipv6: bool) -> pbflow::Ip {
    use pbflow::ip::IpFamily::{Ipv4, Ipv6};
    let family = if is_ipv6 {
        Ipv6(address.iter().flat_map(|word| word.to_ne_bytes()).collect())
    } else {
        Ipv4(u32::from_be(address[3]))
    };
    pbflow::Ip {
        ip_family: Some(family),
    }
}

/// The message that a protobuf library would be given for the same flow.
fn expected(key: &FlowKey, value: &FlowValue, dns: Option<&DnsValue>) -> pbflow::Record {
    let is_ipv6 = value.ethertype == ETHERTYPE_IPV6;
    let (source_mac, destination_mac) = value.macs();
    let interfaces = std::iter::once(value.first).chain(
        value
            .observed
            .into_iter()
            .take_while(|observed| !observed.is_none()),
    );
    let mut record = pbflow::Record {
        eth_protocol: value.ethertype.into(),
        direction: value.first.direction() as i32,
        time_flow_start: Some(timestamp_of(CLOCK.wall(value.start_ns))),
        time_flow_end: Some(timestamp_of(CLOCK.wall(value.end_ns))),
        data_link: Some(pbflow::DataLink {
            src_mac: mac(source_mac),
            dst_mac: mac(destination_mac),
        }),
        network: Some(pbflow::Network {
            src_addr: Some(ip_of(&key.source, is_ipv6)),
            dst_addr: Some(ip_of(&key.destination, is_ipv6)),
            dscp: value.dscp.into(),
        }),
        transport: Some(pbflow::Transport {
            src_port: key.source_port().into(),
            dst_port: key.destination_port().into(),
            protocol: key.protocol().into(),
        }),
        bytes: value.bytes,
        packets: value.packets,
        agent_ip: Some(ip_of(&ipv4("1.2.3.4"), false)),
        flags: value.flags,
        icmp_type: key.icmp_type().into(),
        icmp_code: key.icmp_code().into(),
        time_flow_rtt: Some(duration_of(value.rtt_ns)),
        dup_list: interfaces
            .map(|observed| pbflow::DupMapEntry {
                interface: Numbered(String::new())
                    .name(NetnsId(observed.netns()), observed.index())
                    .to_owned(),
                direction: observed.direction() as i32,
                udn: String::new(),
            })
            .collect(),
        sampling: value.sampling,
        ..pbflow::Record::default()
    };
    if let Some(dns) = dns {
        record.dns_id = dns.id.into();
        record.dns_flags = dns.flags.into();
        record.dns_errno = dns.errno;
        record.dns_latency = (dns.latency_ns != 0).then_some(duration_of(dns.latency_ns));
        let mut name = Vec::new();
        dns_name::decode(&dns.name, &mut name);
        record.dns_name = String::from_utf8(name).unwrap();
    }
    record
}

prop_compose! {
    fn any_key()(
        source: Address, destination: Address, is_ipv6: bool, ports: u32, transport in 0_u32..1 << 24,
    ) -> (FlowKey, u16) {
        if is_ipv6 {
            (FlowKey { source, destination, ports, transport }, ETHERTYPE_IPV6)
        } else {
            let (source, destination) = (mapped(source[0]), mapped(destination[0]));
            (FlowKey { source, destination, ports, transport }, ETHERTYPE_IPV4)
        }
    }
}

prop_compose! {
    fn any_value()(
        start_ns in 0..CLOCK.monotonic_ns, length in 0..CLOCK.monotonic_ns,
        counts: (u64, u64), first: (u16, u32), egress: bool, flags: u16, dscp in 0_u16..64, rtt_ns: u32,
        macs: [u32; 3], sampling: u32, others in prop::collection::vec((any::<u16>(), any::<u32>(), 0_u32..2), 0..=OBSERVED_MAX),
    ) -> FlowValue {
        let mut value = FlowValue {
            start_ns, end_ns: start_ns + length, bytes: counts.0, packets: counts.1,
            first: Observed::new(first.0.into(), first.1, egress.into()),
            flags: flags.into(), dscp, rtt_ns: rtt_ns.into(), macs, sampling,
            ..FlowValue::default()
        };
        for (place, (netns, index, direction)) in value.observed.iter_mut().zip(others) {
            *place = Observed::new(netns.into(), index, direction);
        }
        value
    }
}

prop_compose! {
    fn any_dns()(
        latency_ns: u64, id: u16, flags: u16, errno: u8,
        name in prop::collection::vec(any::<u8>(), DNS_NAME_MAX),
    ) -> DnsValue {
        DnsValue {
            latency_ns, id, flags, errno: errno.into(), name: name.try_into().unwrap(),
        }
    }
}

proptest! {
    #[test]
    fn a_protobuf_library_reads_what_was_meant(
        (key, ethertype) in any_key(), mut value in any_value(), dns in prop::option::of(any_dns()),
    ) {
        value.ethertype = ethertype;
        let record = Record { key: &key, value: &value, dns: dns.as_ref() };
        let bytes = encode(&[record, record], &CLOCK, Some("1.2.3.4"));
        let expected = expected(&key, &value, dns.as_ref());
        let decoded = pbflow::Records::decode(&bytes[..]).unwrap();
        prop_assert_eq!(&decoded.entries[0], &expected);
        prop_assert_eq!(&decoded.entries[1], &expected);
        // The sizing bound, and canonical form: the library would write the same number of bytes.
        prop_assert!(bytes.len() <= 2 * RECORD_LENGTH_MAX);
        if dns.is_none() {
            prop_assert_eq!(bytes, decoded.encode_to_vec());
        }
    }
}
