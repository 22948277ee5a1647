//! Tests of the decoder: the worked examples 21.1 of the compatibility reference.
#![allow(clippy::unwrap_used, reason = "tests")]

mod oracle;

use prost::Message as _;
use rstest::rstest;
use serde_json::json;

use super::pbflow::{
    self, DataLink, DupMapEntry, Ip, Network, NetworkEvent, Quic, Record as Entry, Records,
    Transport, Xlat, ip::IpFamily,
};
use super::*;
use crate::model::{Batch, Record, ValueRef};

#[allow(clippy::unnecessary_wraps, reason = "the shape of the message")]
fn v4(bits: u32) -> Option<Ip> {
    Some(Ip {
        ip_family: Some(IpFamily::Ipv4(bits)),
    })
}

#[allow(clippy::unnecessary_wraps, reason = "the shape of the message")]
fn v6(text: &str) -> Option<Ip> {
    let octets = text.parse::<std::net::Ipv6Addr>().unwrap().octets();
    Some(Ip {
        ip_family: Some(IpFamily::Ipv6(octets.to_vec().into())),
    })
}

fn seen(interface: &str, direction: i32) -> DupMapEntry {
    DupMapEntry {
        interface: interface.into(),
        direction,
        udn: String::new(),
    }
}

/// The entry of the example.
fn example() -> pbflow::Record {
    pbflow::Record {
        eth_protocol: 2048,
        time_flow_start: Some(prost_types::Timestamp {
            seconds: 1_704_164_645,
            nanos: 6_000_000,
        }),
        time_flow_end: Some(prost_types::Timestamp {
            seconds: 1_704_164_647,
            nanos: 6_000_000,
        }),
        data_link: Some(DataLink {
            src_mac: 0x0a58_0a00_0005,
            dst_mac: 0x0a58_0a00_0009,
        }),
        network: Some(Network {
            src_addr: v4(0x0a00_0005),
            dst_addr: v4(0x0a00_0009),
            dscp: 0,
        }),
        transport: Some(Transport {
            src_port: 40000,
            dst_port: 443,
            protocol: 6,
        }),
        bytes: 1500,
        packets: 3,
        flags: 272,
        agent_ip: v4(0xc0a8_0a0b),
        time_flow_rtt: Some(prost_types::Duration {
            seconds: 0,
            nanos: 1_250_000,
        }),
        sampling: 50,
        dup_list: vec![seen("eth0", 1), seen("veth1", 0)],
        ..Default::default()
    }
}

fn decode(records: Vec<pbflow::Record>) -> Vec<Record> {
    let message = Records { entries: records }.encode_to_vec();
    let mut decoder = Decoder::new(&message, 1_704_164_648);
    let mut all = Vec::new();
    while let Some(Batch { records, .. }) = decoder.next_batch().unwrap() {
        all.extend(records);
    }
    all
}

fn to_json(value: ValueRef<'_>) -> serde_json::Value {
    match value {
        ValueRef::Null => json!(null),
        ValueRef::Bool(value) => json!(value),
        ValueRef::Number(number) => json!(number.as_integer()),
        ValueRef::Names(names) => json!(names),
        ValueRef::Ints(numbers) => json!(numbers),
        ValueRef::Bits(bits) => json!(bits.iter().collect::<Vec<_>>()),
        ValueRef::Maps(maps) => {
            json!(
                maps.iter()
                    .map(|m| m
                        .iter()
                        .cloned()
                        .collect::<std::collections::BTreeMap<_, _>>())
                    .collect::<Vec<_>>()
            )
        }
        other => {
            let mut text = String::new();
            other.write_text(&mut text);
            json!(text)
        }
    }
}

fn fields(record: &Record) -> serde_json::Map<String, serde_json::Value> {
    record
        .iter()
        .map(|(name, value)| (name.to_owned(), to_json(value)))
        .collect()
}

#[test]
fn the_example_has_exactly_its_fields() {
    let expected = json!({"SrcMac": "0a:58:0a:00:00:05", "DstMac": "0a:58:0a:00:00:09", "Etype": 2048,
        "TimeFlowStartMs": 1_704_164_645_006_i64, "TimeFlowEndMs": 1_704_164_647_006_i64,
        "TimeReceived": 1_704_164_648, "AgentIP": "192.168.10.11", "IfDirections": [1, 0],
        "Interfaces": ["eth0", "veth1"], "Udns": ["", ""], "Bytes": 1500, "Packets": 3, "Sampling": 50,
        "SrcAddr": "10.0.0.5", "DstAddr": "10.0.0.9", "Proto": 6, "Dscp": 0, "SrcPort": 40000, "DstPort": 443,
        "Flags": 272, "TimeFlowRttNs": 1_250_000});
    assert_eq!(
        serde_json::Value::Object(fields(&decode(vec![example()])[0])),
        expected
    );
}

/// What changes against the example; null stands for an absent field.
#[rstest]
#[case(|r: &mut Entry| { r.eth_protocol = 34525; r.icmp_type = 128; r.network.as_mut().unwrap().src_addr = v6("2001:db8::5");
    r.transport.as_mut().unwrap().protocol = 58; },
    json!({"Etype": 34525, "SrcAddr": "2001:db8::5", "Proto": 58, "IcmpType": 128, "IcmpCode": 0,
        "SrcPort": null, "DstPort": null, "Flags": null}))]
#[case(|r: &mut Entry| r.eth_protocol = 2054, json!({"Etype": 2054, "SrcAddr": null, "DstAddr": null, "Proto": null,
    "Dscp": null, "SrcPort": null, "DstPort": null, "Flags": null}))]
#[case(|r: &mut Entry| r.transport.as_mut().unwrap().protocol = 17, json!({"Proto": 17, "Flags": null}))]
#[case(|r: &mut Entry| r.transport.as_mut().unwrap().protocol = 47,
    json!({"Proto": 47, "Flags": null, "SrcPort": null, "DstPort": null}))]
#[case(|r: &mut Entry| r.bytes = 0, json!({"Bytes": null}))]
#[case(|r: &mut Entry| r.packets = 4_294_967_297, json!({"Packets": 1}))]
#[case(|r: &mut Entry| { r.dns_id = 7; r.dns_flags = 0x8183; r.dns_latency = Some(prost_types::Duration { seconds: 0, nanos: 12_900_000 }); },
    json!({"DnsId": 7, "DnsFlags": 33155, "DnsFlagsResponseCode": "NXDomain", "DnsLatencyMs": 12}))]
#[case(|r: &mut Entry| r.dns_errno = 110, json!({"DnsErrno": 110}))]
#[case(|r: &mut Entry| { r.pkt_drop_bytes = 70000; r.pkt_drop_latest_drop_cause = 2; r.pkt_drop_latest_state = 1; },
    json!({"PktDropBytes": 4464, "PktDropPackets": 0, "PktDropLatestFlags": 0, "PktDropLatestState": "TCP_ESTABLISHED",
        "PktDropLatestDropCause": "SKB_DROP_REASON_NOT_SPECIFIED"}))]
#[case(|r: &mut Entry| r.pkt_drop_bytes = 5, json!({}))]
#[case(|r: &mut Entry| r.ipsec_encrypted = 1, json!({"IPSecRetCode": 0, "IPSecStatus": "success"}))]
#[case(|r: &mut Entry| r.ipsec_encrypted_ret = -22, json!({"IPSecRetCode": -22, "IPSecStatus": "error"}))]
#[case(|r: &mut Entry| { r.ssl_version = 0x0304; r.ssl_mismatch = true; }, json!({"TLSVersion": "~ TLS 1.3"}))]
#[case(|r: &mut Entry| r.tls_types = 0x23, json!({"TLSTypes": ["ClientHello", "ServerHello", "AppData"]}))]
#[case(|r: &mut Entry| { r.tls_cipher_suite = 0x1301; r.tls_key_share = 29; },
    json!({"TLSCipherSuite": "TLS_AES_128_GCM_SHA256", "TLSGroup": "X25519"}))]
#[case(|r: &mut Entry| r.xlat = Some(Xlat { src_addr: v4(0x0a01_0101), dst_addr: v4(0), ..Default::default() }), json!({}))]
#[case(|r: &mut Entry| r.xlat = Some(Xlat { src_addr: v4(0x0a01_0101), dst_addr: v4(0x0a01_0102), dst_port: 8080, zone_id: 3, src_port: 0 }),
    json!({"XlatSrcAddr": "10.1.1.1", "XlatDstAddr": "10.1.1.2", "XlatDstPort": 8080, "ZoneId": 3}))]
#[case(|r: &mut Entry| r.quic = Some(Quic { version: 1, seen_long_hdr: 1, seen_short_hdr: 0 }),
    json!({"QuicVersion": "QUIC v2", "QuicSeenLongHdr": 1, "QuicSeenShortHdr": 0}))]
#[case(|r: &mut Entry| r.network_events_metadata = vec![NetworkEvent { events: [("Name".into(), "p1".into())].into() }],
    json!({"NetworkEvents": [{"Name": "p1"}]}))]
#[case(|r: &mut Entry| r.agent_ip = None, json!({"AgentIP": "0.0.0.0"}))]
fn a_variation_of_the_example_has_its_effect(
    #[case] vary: fn(&mut Entry),
    #[case] effect: serde_json::Value,
) {
    let mut entry = example();
    vary(&mut entry);
    let mut expected = fields(&decode(vec![example()])[0]);
    for (name, value) in effect.as_object().unwrap() {
        if value.is_null() {
            expected.remove(name);
        } else {
            expected.insert(name.clone(), value.clone());
        }
    }
    assert_eq!(
        serde_json::Value::Object(fields(&decode(vec![entry])[0])),
        serde_json::Value::Object(expected)
    );
}

#[test]
fn a_record_without_interfaces_has_null_lists() {
    let record = fields(
        &decode(vec![pbflow::Record {
            dup_list: Vec::new(),
            ..example()
        }])[0],
    );
    assert_eq!(
        (&record["Interfaces"], &record["IfDirections"]),
        (&json!(null), &json!(null))
    );
    assert!(!record.contains_key("Udns"));
}

#[test]
fn each_record_has_its_own_interfaces() {
    let entry = |name: &str| pbflow::Record {
        dup_list: vec![seen(name, 0)],
        ..example()
    };
    let records = decode(vec![
        entry("a"),
        entry("b"),
        entry("b"),
        entry("a"),
        pbflow::Record::default(),
    ]);
    let names: Vec<_> = records
        .iter()
        .map(|record| fields(record)["Interfaces"].clone())
        .collect();
    assert_eq!(
        names,
        [
            json!(["a"]),
            json!(["b"]),
            json!(["b"]),
            json!(["a"]),
            json!(null)
        ]
    );
}

#[rstest]
#[case("www.example.com", "www.example.com")]
#[case(
    "very-long-service-name.my-namespace.svc",
    "very-long-service-name.my-namespace.svc"
)]
#[case(&"a.".repeat(127), &"a.".repeat(127)[..253])]
#[case(&"ab.".repeat(100), &"ab.".repeat(84)[..251])]
#[case(&"x".repeat(254), "")]
#[case(".a..b.", "a.b")]
fn a_dns_name_is_kept_up_to_the_253_characters_of_dns(#[case] name: &str, #[case] expected: &str) {
    assert_eq!(names::dns_name(name).as_str(), expected);
}

#[rstest]
#[case(1, "SKB_DROP_UNKNOWN_CAUSE")]
#[case(2, "SKB_DROP_REASON_NOT_SPECIFIED")]
#[case(80, "SKB_DROP_REASON_TC_RECLASSIFY_LOOP")]
#[case(81, "SKB_DROP_UNKNOWN_CAUSE")]
#[case(0x3_0000, "SKB_DROP_UNKNOWN_CAUSE")]
#[case(0x3_0001, "OVS_DROP_LAST_ACTION")]
#[case(0x100_0000, "NetworkEvent_Unknown")]
#[case(0x100_0004, "NetworkEvent_NetworkPolicy")]
fn a_drop_cause_has_a_name(#[case] cause: u32, #[case] expected: &str) {
    assert_eq!(names::drop_cause(cause).as_str(), expected);
}

#[test]
fn a_record_with_a_bad_address_is_left_out_and_counted() {
    let bad = Some(Ip {
        ip_family: Some(IpFamily::Ipv6(vec![1, 2, 3].into())),
    });
    let message = Records {
        entries: vec![
            pbflow::Record {
                agent_ip: bad,
                ..example()
            },
            example(),
        ],
    }
    .encode_to_vec();
    let mut decoder = Decoder::new(&message, 0);
    assert_eq!(decoder.next_batch().unwrap().unwrap().len(), 1);
    assert_eq!(decoder.skipped(), 1);
}

#[test]
fn a_large_message_comes_in_batches() {
    let message = Records {
        entries: vec![example(); 1200],
    }
    .encode_to_vec();
    let mut decoder = Decoder::new(&message, 0);
    let lengths: Vec<_> = std::iter::from_fn(|| decoder.next_batch().unwrap())
        .map(|batch| batch.len())
        .collect();
    assert_eq!(lengths, [512, 512, 176]);
}
