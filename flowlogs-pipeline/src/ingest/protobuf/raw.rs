//! One `pbflow.Record` as it stands in the message: numbers, and slices of the message.
//!
//! **Invariant:** a field that is given twice merges as protobuf says: the last number or text wins, a message
//! is read into what is there, lists grow.

use compact_str::CompactString;

use super::wire::{Malformed, Reader, Wire, expect};
use crate::model::{Address, StringMap};

/// An `IP` message.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum RawIp {
    /// Nothing given.
    #[default]
    Absent,
    /// An address.
    Address(Address),
    /// IPv6 bytes that are not sixteen.
    Bad,
}

/// Seconds and nanoseconds of a `Timestamp` or `Duration`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RawTime {
    pub seconds: i64,
    pub nanoseconds: i32,
}

impl RawTime {
    /// Whole milliseconds.
    pub const fn milliseconds(self) -> i64 {
        self.seconds
            .wrapping_mul(1000)
            .wrapping_add(self.nanoseconds as i64 / 1_000_000)
    }

    /// Nanoseconds.
    pub const fn nanoseconds(self) -> i64 {
        self.seconds
            .wrapping_mul(1_000_000_000)
            .wrapping_add(self.nanoseconds as i64)
    }
}

/// A `Quic` message.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RawQuic {
    pub version: u32,
    pub seen_long_header: u32,
    pub seen_short_header: u32,
}

/// One record of the message. The interfaces are left in `observed`, still encoded: most records repeat those
/// of another one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Raw<'a> {
    pub ethertype: u32,
    pub start: RawTime,
    pub end: RawTime,
    pub source_mac: u64,
    pub destination_mac: u64,
    pub source: RawIp,
    pub destination: RawIp,
    pub dscp: u32,
    pub source_port: u32,
    pub destination_port: u32,
    pub protocol: u32,
    pub bytes: u64,
    pub packets: u64,
    pub agent: RawIp,
    pub flags: u32,
    pub icmp_type: u32,
    pub icmp_code: u32,
    pub drop_bytes: u64,
    pub drop_packets: u64,
    pub drop_flags: u32,
    pub drop_state: u32,
    pub drop_cause: u32,
    pub dns_id: u32,
    pub dns_flags: u32,
    pub dns_latency: RawTime,
    pub dns_errno: u32,
    pub dns_name: &'a str,
    pub rtt: RawTime,
    pub events: Vec<StringMap>,
    pub translated_source: RawIp,
    pub translated_destination: RawIp,
    pub translated_source_port: u32,
    pub translated_destination_port: u32,
    pub zone: u32,
    pub sampling: u32,
    pub ipsec_encrypted: u32,
    pub ipsec_return: i32,
    pub tls_version: u32,
    pub tls_mismatch: bool,
    pub tls_types: u32,
    pub tls_cipher_suite: u32,
    pub tls_key_share: u32,
    pub quic: Option<RawQuic>,
}

impl<'a> Raw<'a> {
    /// Reads one record; `observed` gets the encoded interfaces, one `DupMapEntry` field after the other.
    pub fn read(message: &'a [u8], observed: &mut Vec<u8>) -> Result<Self, Malformed> {
        let mut raw = Self::default();
        let mut reader = Reader(message);
        observed.clear();
        while !reader.is_empty() {
            let before = reader.0;
            let (number, wire) = reader.tag()?;
            match number {
                1 => raw.ethertype = number32(&mut reader, wire)?,
                3 => read_time(nested(&mut reader, wire)?, &mut raw.start)?,
                4 => read_time(nested(&mut reader, wire)?, &mut raw.end)?,
                5 => raw.read_link(nested(&mut reader, wire)?)?,
                6 => raw.read_network(nested(&mut reader, wire)?)?,
                7 => raw.read_transport(nested(&mut reader, wire)?)?,
                8 => raw.bytes = number64(&mut reader, wire)?,
                9 => raw.packets = number64(&mut reader, wire)?,
                // Not used, but must be what they say they are.
                2 | 11 => drop(number64(&mut reader, wire)?),
                10 => drop(text(&mut reader, wire)?),
                12 => read_ip(nested(&mut reader, wire)?, &mut raw.agent)?,
                13 => raw.flags = number32(&mut reader, wire)?,
                14 => raw.icmp_type = number32(&mut reader, wire)?,
                15 => raw.icmp_code = number32(&mut reader, wire)?,
                16 => raw.drop_bytes = number64(&mut reader, wire)?,
                17 => raw.drop_packets = number64(&mut reader, wire)?,
                18 => raw.drop_flags = number32(&mut reader, wire)?,
                19 => raw.drop_state = number32(&mut reader, wire)?,
                20 => raw.drop_cause = number32(&mut reader, wire)?,
                21 => raw.dns_id = number32(&mut reader, wire)?,
                22 => raw.dns_flags = number32(&mut reader, wire)?,
                23 => read_time(nested(&mut reader, wire)?, &mut raw.dns_latency)?,
                24 => read_time(nested(&mut reader, wire)?, &mut raw.rtt)?,
                25 => raw.dns_errno = number32(&mut reader, wire)?,
                26 => {
                    nested(&mut reader, wire)?;
                    observed.extend_from_slice(&before[..before.len() - reader.0.len()]);
                }
                27 => raw.events.push(read_event(nested(&mut reader, wire)?)?),
                28 => raw.read_translation(nested(&mut reader, wire)?)?,
                29 => raw.sampling = number32(&mut reader, wire)?,
                30 => raw.ipsec_encrypted = number32(&mut reader, wire)?,
                31 => raw.ipsec_return = number64(&mut reader, wire)? as i32,
                32 => raw.dns_name = text(&mut reader, wire)?,
                33 => raw.tls_version = number32(&mut reader, wire)?,
                34 => raw.tls_mismatch = number64(&mut reader, wire)? != 0,
                35 => raw.tls_types = number32(&mut reader, wire)?,
                36 => raw.tls_cipher_suite = number32(&mut reader, wire)?,
                37 => raw.tls_key_share = number32(&mut reader, wire)?,
                38 => read_quic(nested(&mut reader, wire)?, raw.quic.get_or_insert_default())?,
                _ => reader.skip(number, wire)?,
            }
        }
        Ok(raw)
    }

    fn read_link(&mut self, mut reader: Reader<'a>) -> Result<(), Malformed> {
        while !reader.is_empty() {
            match reader.tag()? {
                (1, wire) => self.source_mac = number64(&mut reader, wire)?,
                (2, wire) => self.destination_mac = number64(&mut reader, wire)?,
                (number, wire) => reader.skip(number, wire)?,
            }
        }
        Ok(())
    }

    fn read_network(&mut self, mut reader: Reader<'a>) -> Result<(), Malformed> {
        while !reader.is_empty() {
            match reader.tag()? {
                (1, wire) => read_ip(nested(&mut reader, wire)?, &mut self.source)?,
                (2, wire) => read_ip(nested(&mut reader, wire)?, &mut self.destination)?,
                (3, wire) => self.dscp = number32(&mut reader, wire)?,
                (number, wire) => reader.skip(number, wire)?,
            }
        }
        Ok(())
    }

    fn read_transport(&mut self, mut reader: Reader<'a>) -> Result<(), Malformed> {
        while !reader.is_empty() {
            match reader.tag()? {
                (1, wire) => self.source_port = number32(&mut reader, wire)?,
                (2, wire) => self.destination_port = number32(&mut reader, wire)?,
                (3, wire) => self.protocol = number32(&mut reader, wire)?,
                (number, wire) => reader.skip(number, wire)?,
            }
        }
        Ok(())
    }

    fn read_translation(&mut self, mut reader: Reader<'a>) -> Result<(), Malformed> {
        while !reader.is_empty() {
            match reader.tag()? {
                (1, wire) => read_ip(nested(&mut reader, wire)?, &mut self.translated_source)?,
                (2, wire) => read_ip(nested(&mut reader, wire)?, &mut self.translated_destination)?,
                (3, wire) => self.translated_source_port = number32(&mut reader, wire)?,
                (4, wire) => self.translated_destination_port = number32(&mut reader, wire)?,
                (5, wire) => self.zone = number32(&mut reader, wire)?,
                (number, wire) => reader.skip(number, wire)?,
            }
        }
        Ok(())
    }
}

#[inline]
fn number64(reader: &mut Reader<'_>, wire: Wire) -> Result<u64, Malformed> {
    expect(wire, Wire::Varint)?;
    reader.varint()
}

/// Protobuf keeps the low 32 bits of a longer number.
#[inline]
fn number32(reader: &mut Reader<'_>, wire: Wire) -> Result<u32, Malformed> {
    number64(reader, wire).map(|number| number as u32)
}

fn text<'a>(reader: &mut Reader<'a>, wire: Wire) -> Result<&'a str, Malformed> {
    expect(wire, Wire::Bytes)?;
    reader.text()
}

#[inline]
fn nested<'a>(reader: &mut Reader<'a>, wire: Wire) -> Result<Reader<'a>, Malformed> {
    expect(wire, Wire::Bytes)?;
    reader.bytes().map(Reader)
}

fn read_time(mut reader: Reader<'_>, time: &mut RawTime) -> Result<(), Malformed> {
    while !reader.is_empty() {
        match reader.tag()? {
            (1, wire) => time.seconds = number64(&mut reader, wire)? as i64,
            (2, wire) => time.nanoseconds = number64(&mut reader, wire)? as i32,
            (number, wire) => reader.skip(number, wire)?,
        }
    }
    Ok(())
}

fn read_ip(mut reader: Reader<'_>, ip: &mut RawIp) -> Result<(), Malformed> {
    while !reader.is_empty() {
        match reader.tag()? {
            (1, wire) => {
                expect(wire, Wire::Fixed32)?;
                *ip = RawIp::Address(Address::from_v4(reader.fixed32()?));
            }
            (2, wire) => {
                let octets = nested(&mut reader, wire)?.0.try_into();
                *ip = octets.map_or(RawIp::Bad, |octets| {
                    RawIp::Address(Address::from_octets(octets))
                });
            }
            (number, wire) => reader.skip(number, wire)?,
        }
    }
    Ok(())
}

fn read_quic(mut reader: Reader<'_>, quic: &mut RawQuic) -> Result<(), Malformed> {
    while !reader.is_empty() {
        match reader.tag()? {
            (1, wire) => quic.version = number32(&mut reader, wire)?,
            (2, wire) => quic.seen_long_header = number32(&mut reader, wire)?,
            (3, wire) => quic.seen_short_header = number32(&mut reader, wire)?,
            (number, wire) => reader.skip(number, wire)?,
        }
    }
    Ok(())
}

/// A `NetworkEvent`: a map, whose entries are messages of key and value. The last value of a key wins.
fn read_event(mut reader: Reader<'_>) -> Result<StringMap, Malformed> {
    let mut pairs = std::collections::BTreeMap::new();
    while !reader.is_empty() {
        match reader.tag()? {
            (1, wire) => {
                let (mut key, mut value) = ("", "");
                let mut entry = nested(&mut reader, wire)?;
                while !entry.is_empty() {
                    match entry.tag()? {
                        (1, wire) => key = text(&mut entry, wire)?,
                        (2, wire) => value = text(&mut entry, wire)?,
                        (number, wire) => entry.skip(number, wire)?,
                    }
                }
                pairs.insert(CompactString::from(key), CompactString::from(value));
            }
            (number, wire) => reader.skip(number, wire)?,
        }
    }
    Ok(pairs.into_iter().collect())
}
