//! The decoder against `prost`: any record, repeated or damaged, is read as by the library or refused as by it.
//! `fuzz/` does the same with whole messages.

use proptest::prelude::*;
use prost::Message as _;

use super::super::decode::read_observed;
use super::super::pbflow::{
    self, DataLink, DupMapEntry, Ip, Network, NetworkEvent, Quic, Transport, Xlat, ip::IpFamily,
};
use super::super::raw::{Raw, RawIp, RawQuic, RawTime};
use super::super::wire::Reader;
use crate::model::{Address, Observed};

/// The same as [`Raw::read`], from what the oracle decoded.
fn oracle(record: &pbflow::Record) -> (Raw<'_>, Observed) {
    let ip = |ip: Option<&Ip>| match ip.and_then(|ip| ip.ip_family.as_ref()) {
        None => RawIp::Absent,
        Some(IpFamily::Ipv4(bits)) => RawIp::Address(Address::from_v4(*bits)),
        Some(IpFamily::Ipv6(octets)) => octets.as_ref().try_into().map_or(RawIp::Bad, |octets| {
            RawIp::Address(Address::from_octets(octets))
        }),
    };
    let stamp = |time: Option<&prost_types::Timestamp>| {
        time.map_or_else(RawTime::default, |t| RawTime {
            seconds: t.seconds,
            nanoseconds: t.nanos,
        })
    };
    let span = |time: Option<&prost_types::Duration>| {
        time.map_or_else(RawTime::default, |t| RawTime {
            seconds: t.seconds,
            nanoseconds: t.nanos,
        })
    };
    let network = record.network.clone().unwrap_or_default();
    let transport = record.transport.unwrap_or_default();
    let link = record.data_link.unwrap_or_default();
    let xlat = record.xlat.clone().unwrap_or_default();
    let sorted = |event: &NetworkEvent| {
        let pairs: std::collections::BTreeMap<_, _> = event.events.iter().collect();
        pairs
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect()
    };
    let raw = Raw {
        ethertype: record.eth_protocol,
        start: stamp(record.time_flow_start.as_ref()),
        end: stamp(record.time_flow_end.as_ref()),
        source_mac: link.src_mac,
        destination_mac: link.dst_mac,
        source: ip(network.src_addr.as_ref()),
        destination: ip(network.dst_addr.as_ref()),
        dscp: network.dscp,
        source_port: transport.src_port,
        destination_port: transport.dst_port,
        protocol: transport.protocol,
        bytes: record.bytes,
        packets: record.packets,
        agent: ip(record.agent_ip.as_ref()),
        flags: record.flags,
        icmp_type: record.icmp_type,
        icmp_code: record.icmp_code,
        drop_bytes: record.pkt_drop_bytes,
        drop_packets: record.pkt_drop_packets,
        drop_flags: record.pkt_drop_latest_flags,
        drop_state: record.pkt_drop_latest_state,
        drop_cause: record.pkt_drop_latest_drop_cause,
        dns_id: record.dns_id,
        dns_flags: record.dns_flags,
        dns_latency: span(record.dns_latency.as_ref()),
        dns_errno: record.dns_errno,
        dns_name: &record.dns_name,
        rtt: span(record.time_flow_rtt.as_ref()),
        events: record.network_events_metadata.iter().map(sorted).collect(),
        translated_source: ip(xlat.src_addr.as_ref()),
        translated_destination: ip(xlat.dst_addr.as_ref()),
        translated_source_port: xlat.src_port,
        translated_destination_port: xlat.dst_port,
        zone: xlat.zone_id,
        sampling: record.sampling,
        ipsec_encrypted: record.ipsec_encrypted,
        ipsec_return: record.ipsec_encrypted_ret,
        tls_version: record.ssl_version,
        tls_mismatch: record.ssl_mismatch,
        tls_types: record.tls_types,
        tls_cipher_suite: record.tls_cipher_suite,
        tls_key_share: record.tls_key_share,
        quic: record.quic.map(|quic| RawQuic {
            version: quic.version,
            seen_long_header: quic.seen_long_hdr,
            seen_short_header: quic.seen_short_hdr,
        }),
    };
    let observed = Observed {
        interfaces: record
            .dup_list
            .iter()
            .map(|seen| seen.interface.as_str().into())
            .collect(),
        udns: record
            .dup_list
            .iter()
            .map(|seen| seen.udn.as_str().into())
            .collect(),
        directions: record.dup_list.iter().map(|seen| seen.direction).collect(),
    };
    (raw, observed)
}

fn check_against_oracle(message: &[u8]) -> Result<(), TestCaseError> {
    let mut encoded = Vec::new();
    let ours = Raw::read(message, &mut encoded)
        .and_then(|raw| Ok((raw, read_observed(0, Reader(&encoded))?)));
    match pbflow::Record::decode(message) {
        Err(error) => prop_assert!(ours.is_err(), "{error} is no error for us"),
        Ok(record) => prop_assert_eq!(ours.unwrap(), oracle(&record)),
    }
    Ok(())
}

fn any_ip() -> impl Strategy<Value = Option<Ip>> {
    prop::option::of(prop_oneof![
        Just(Ip::default()),
        any::<u32>().prop_map(|bits| Ip {
            ip_family: Some(IpFamily::Ipv4(bits))
        }),
        prop::collection::vec(any::<u8>(), 15..18).prop_map(|octets| Ip {
            ip_family: Some(IpFamily::Ipv6(octets.into()))
        }),
    ])
}

prop_compose! {
    fn any_record()(
        numbers in prop::collection::vec(prop_oneof![Just(0), 0_u32..200, any::<u32>()], 20),
        large in prop::collection::vec(any::<u64>(), 6),
        times in prop::collection::vec((any::<i64>(), any::<i32>()), 4),
        ips in prop::collection::vec(any_ip(), 5),
        dup_list in prop::collection::vec(("[a-z0-9]{0,8}", any::<i32>(), "[a-z/]{0,6}"), 0..4),
        events in prop::collection::vec(prop::collection::hash_map("[a-z]{0,3}", "[a-zé]{0,3}", 0..3), 0..3),
        dns_name in "[a-z.]{0,40}",
        has in any::<[bool; 6]>(),
    ) -> pbflow::Record {
        pbflow::Record {
            eth_protocol: numbers[0],
            direction: numbers[1] as i32,
            time_flow_start: has[0].then_some(prost_types::Timestamp { seconds: times[0].0, nanos: times[0].1 }),
            time_flow_end: Some(prost_types::Timestamp { seconds: times[1].0, nanos: times[1].1 }),
            dns_latency: has[1].then_some(prost_types::Duration { seconds: times[2].0, nanos: times[2].1 }),
            time_flow_rtt: Some(prost_types::Duration { seconds: times[3].0, nanos: times[3].1 }),
            data_link: has[2].then_some(DataLink { src_mac: large[0], dst_mac: large[1] }),
            network: has[3].then(|| Network { src_addr: ips[0].clone(), dst_addr: ips[1].clone(), dscp: numbers[2] }),
            transport: has[4].then_some(Transport { src_port: numbers[3], dst_port: numbers[4], protocol: numbers[5] }),
            bytes: large[2],
            packets: large[3],
            interface: dns_name.clone(),
            agent_ip: ips[2].clone(),
            flags: numbers[6],
            icmp_type: numbers[7],
            pkt_drop_bytes: large[4],
            pkt_drop_latest_drop_cause: numbers[8],
            dns_id: numbers[9],
            sampling: numbers[10],
            ipsec_encrypted_ret: numbers[11] as i32,
            ssl_mismatch: has[5],
            tls_types: numbers[12],
            quic: has[0].then_some(Quic { version: numbers[13], seen_long_hdr: numbers[14], seen_short_hdr: 1 }),
            xlat: has[1].then(|| Xlat { src_addr: ips[3].clone(), dst_addr: ips[4].clone(), zone_id: numbers[15], ..Default::default() }),
            dup_list: dup_list
                .into_iter()
                .map(|(interface, direction, udn)| DupMapEntry { interface, direction, udn })
                .collect(),
            network_events_metadata: events.into_iter().map(|events| NetworkEvent { events }).collect(),
            dns_name,
            ..Default::default()
        }
    }
}

proptest! {
    #[test]
    fn a_record_is_read_as_by_the_oracle(record in any_record()) {
        check_against_oracle(&record.encode_to_vec())?;
    }

    /// Two records one after the other are one whose fields merge.
    #[test]
    fn repeated_fields_merge_as_by_the_oracle(one in any_record(), two in any_record()) {
        check_against_oracle(&[one.encode_to_vec(), two.encode_to_vec()].concat())?;
    }

    #[test]
    fn damaged_records_are_read_or_refused_as_by_the_oracle(
        record in any_record(),
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..4),
    ) {
        let mut message = record.encode_to_vec();
        for (place, byte, kind) in damages {
            if message.is_empty() {
                break;
            }
            let place = place.index(message.len());
            match kind {
                0 => message[place] = byte,
                1 => message.insert(place, byte),
                _ => message.truncate(place),
            }
        }
        check_against_oracle(&message)?;
    }
}
