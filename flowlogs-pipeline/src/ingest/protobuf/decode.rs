//! From a `pbflow.Records` to batches of records.
//!
//! **Invariant:** a record has exactly the fields that section 6.3 of the compatibility reference gives it.

use std::sync::Arc;

use compact_str::CompactString;
use hashbrown::HashMap;

use super::names;
use super::raw::{Raw, RawIp};
use super::wire::{Malformed, Reader, Wire, expect};
use crate::model::{Address, BATCH_RECORDS_MAX, Batch, BitNames, Field, Observed, Record, Value};

/// Memory that any message may take for its records, in bytes.
const MEMORY_FREE: usize = 1 << 20;
/// Memory that a message may take beyond, for each of its own bytes. An agent's flow takes 3; one made of empty parts
/// would take over 100.
const MEMORY_PER_BYTE: usize = 12;
/// Memory of one entry of a list of interfaces, in bytes.
const ENTRY_MEMORY: usize = 2 * size_of::<CompactString>() + size_of::<i32>();

const ETHERTYPE_IPV4: u32 = 0x0800;
const ETHERTYPE_IPV6: u32 = 0x86dd;
const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
const SCTP: u8 = 132;

/// Decodes one message. Interfaces are shared between the records of the message and forgotten with it.
pub struct Decoder<'a> {
    reader: Reader<'a>,
    received_seconds: i64,
    encoded: Vec<u8>,
    /// The interfaces of the record before, still encoded: mostly the next one has the same.
    last: (Vec<u8>, Option<Arc<Observed>>),
    known: HashMap<Vec<u8>, Arc<Observed>, foldhash::fast::RandomState>,
    skipped: u64,
    memory_left: usize,
}

impl<'a> Decoder<'a> {
    /// A decoder of `message`, a `pbflow.Records`.
    pub fn new(message: &'a [u8], received_seconds: i64) -> Self {
        Self {
            reader: Reader(message),
            received_seconds,
            encoded: Vec::new(),
            last: (Vec::new(), None),
            known: HashMap::default(),
            skipped: 0,
            memory_left: MEMORY_FREE + message.len().saturating_mul(MEMORY_PER_BYTE),
        }
    }

    /// The next records, at most [`BATCH_RECORDS_MAX`]; nothing at the end of the message.
    pub fn next_batch(&mut self) -> Result<Option<Batch>, Malformed> {
        let mut records = Vec::new();
        let (memory_left, bytes_left) = (self.memory_left, self.reader.0.len());
        while !self.reader.is_empty() && records.len() < BATCH_RECORDS_MAX {
            let (number, wire) = self.reader.tag()?;
            if number != 1 {
                self.reader.skip(number, wire)?;
                continue;
            }
            expect(wire, Wire::Bytes)?;
            let entry = self.reader.bytes()?;
            if records.capacity() == 0 {
                // A guess from the first entry, so that a small message does not take a whole batch's memory.
                let guess = 1 + self.reader.0.len() / (entry.len() + 2);
                records.reserve_exact(guess.min(BATCH_RECORDS_MAX));
            }
            // Filled in its place: moving a record costs as much as filling some of it.
            records.push(Record::new());
            if let Some(record) = records.last_mut()
                && !self.read_into(entry, record)?
            {
                records.pop();
                self.skipped += 1;
            }
        }
        // Texts are not charged, but take no more than their bytes in the message.
        let memory = memory_left - self.memory_left + bytes_left - self.reader.0.len();
        Ok((!records.is_empty()).then(|| Batch::with_memory(records, memory)))
    }

    /// Records that were read and left out because an address in them is none.
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }

    /// One `pbflow.Record`; nothing if an address in it is none.
    pub fn record(&mut self, message: &[u8]) -> Result<Option<Record>, Malformed> {
        let mut record = Record::new();
        let is_whole = self.read_into(message, &mut record)?;
        Ok(is_whole.then_some(record))
    }

    /// Fills an empty record; false if an address is none.
    fn read_into(&mut self, message: &[u8], record: &mut Record) -> Result<bool, Malformed> {
        let raw = Raw::read(message, &mut self.encoded)?;
        let observed = self.observed()?;
        let filled = fill(record, &raw, observed, self.received_seconds);
        self.charge(record.memory())?;
        Ok(filled.is_some())
    }

    fn charge(&mut self, memory: usize) -> Result<(), Malformed> {
        let left = self.memory_left.checked_sub(memory);
        self.memory_left = left.ok_or(Malformed::TOO_COSTLY)?;
        Ok(())
    }

    fn observed(&mut self) -> Result<Option<Arc<Observed>>, Malformed> {
        if self.encoded != self.last.0 {
            let observed = match self.known.get(&self.encoded) {
                Some(observed) => Some(Arc::clone(observed)),
                None if self.encoded.is_empty() => None,
                None => {
                    let entries = count_entries(Reader(&self.encoded))?;
                    self.charge(entries * ENTRY_MEMORY + self.encoded.len())?;
                    let observed = Arc::new(read_observed(entries, Reader(&self.encoded))?);
                    self.known
                        .insert(self.encoded.clone(), Arc::clone(&observed));
                    Some(observed)
                }
            };
            self.last.0.clone_from(&self.encoded);
            self.last.1 = observed;
        }
        Ok(self.last.1.clone())
    }
}

/// Length of a list of `DupMapEntry` fields.
fn count_entries(mut reader: Reader<'_>) -> Result<usize, Malformed> {
    let mut entries = 0;
    while !reader.is_empty() {
        reader.tag()?;
        reader.bytes()?;
        entries += 1;
    }
    Ok(entries)
}

/// A list of `DupMapEntry` fields, of that many entries.
pub(super) fn read_observed(entries: usize, mut reader: Reader<'_>) -> Result<Observed, Malformed> {
    let mut observed = Observed {
        interfaces: Vec::with_capacity(entries),
        udns: Vec::with_capacity(entries),
        directions: Vec::with_capacity(entries),
    };
    while !reader.is_empty() {
        reader.tag()?;
        let mut entry = Reader(reader.bytes()?);
        let (mut interface, mut direction, mut udn) = ("", 0, "");
        while !entry.is_empty() {
            match entry.tag()? {
                (1, wire) => {
                    expect(wire, Wire::Bytes)?;
                    interface = entry.text()?;
                }
                (2, wire) => {
                    expect(wire, Wire::Varint)?;
                    direction = entry.varint()? as i32;
                }
                (3, wire) => {
                    expect(wire, Wire::Bytes)?;
                    udn = entry.text()?;
                }
                (number, wire) => entry.skip(number, wire)?,
            }
        }
        observed.interfaces.push(interface.into());
        observed.directions.push(direction);
        observed.udns.push(CompactString::from(udn));
    }
    Ok(observed)
}

/// The address, `0.0.0.0` when there is none; nothing when it is bad.
fn address(ip: RawIp) -> Option<Address> {
    match ip {
        RawIp::Address(address) => Some(address),
        RawIp::Absent => Some(Address::UNSPECIFIED),
        RawIp::Bad => None,
    }
}

/// Fills a record; nothing when an address is bad.
#[inline]
fn fill(
    record: &mut Record,
    raw: &Raw<'_>,
    observed: Option<Arc<Observed>>,
    received: i64,
) -> Option<()> {
    record.set_number(Field::SrcMac, raw.source_mac & 0xffff_ffff_ffff);
    record.set_number(Field::DstMac, raw.destination_mac & 0xffff_ffff_ffff);
    record.set_number(Field::Etype, raw.ethertype.into());
    record.set_number(Field::TimeFlowStartMs, raw.start.milliseconds() as u64);
    record.set_number(Field::TimeFlowEndMs, raw.end.milliseconds() as u64);
    record.set_number(Field::TimeReceived, received as u64);
    record.set_address(Field::AgentIP, address(raw.agent)?);
    record.set_observed(observed);
    if raw.bytes != 0 {
        record.set_number(Field::Bytes, raw.bytes);
    }
    if raw.packets != 0 {
        record.set_number(Field::Packets, raw.packets);
    }
    if raw.sampling != 0 {
        record.set_number(Field::Sampling, raw.sampling.into());
    }
    if matches!(raw.ethertype, ETHERTYPE_IPV4 | ETHERTYPE_IPV6) {
        fill_ip(record, raw)?;
    }
    let rtt = raw.rtt.nanoseconds();
    if rtt != 0 {
        record.set_number(Field::TimeFlowRttNs, rtt as u64);
    }
    fill_dns(record, raw);
    fill_drops(record, raw);
    fill_translation(record, raw)?;
    fill_security(record, raw);
    if !raw.events.is_empty() {
        record.set_field(
            Field::NetworkEvents,
            Value::Maps(raw.events.as_slice().into()),
        );
    }
    Some(())
}

#[inline]
fn fill_ip(record: &mut Record, raw: &Raw<'_>) -> Option<()> {
    record.set_address(Field::SrcAddr, address(raw.source)?);
    record.set_address(Field::DstAddr, address(raw.destination)?);
    record.set_number(Field::Proto, raw.protocol.into());
    record.set_number(Field::Dscp, raw.dscp.into());
    let protocol = raw.protocol as u8;
    match protocol {
        TCP | UDP | SCTP => {
            record.set_number(Field::SrcPort, raw.source_port.into());
            record.set_number(Field::DstPort, raw.destination_port.into());
            if protocol == TCP {
                record.set_number(Field::Flags, raw.flags.into());
            }
        }
        ICMP | ICMPV6 => {
            record.set_number(Field::IcmpType, raw.icmp_type.into());
            record.set_number(Field::IcmpCode, raw.icmp_code.into());
        }
        _ => {}
    }
    Some(())
}

#[inline]
fn fill_dns(record: &mut Record, raw: &Raw<'_>) {
    if raw.dns_id != 0 {
        record.set_number(Field::DnsId, raw.dns_id.into());
        record.set_number(Field::DnsFlags, raw.dns_flags.into());
        record.set_text(
            Field::DnsFlagsResponseCode,
            names::dns_response_code(raw.dns_flags),
        );
        record.set_number(Field::DnsLatencyMs, raw.dns_latency.milliseconds() as u64);
        if !raw.dns_name.is_empty() {
            record.set_text(Field::DnsName, names::dns_name(raw.dns_name));
        }
    }
    if raw.dns_errno != 0 {
        record.set_number(Field::DnsErrno, raw.dns_errno.into());
    }
}

#[inline]
fn fill_drops(record: &mut Record, raw: &Raw<'_>) {
    if raw.drop_cause != 0 {
        record.set_number(Field::PktDropBytes, raw.drop_bytes);
        record.set_number(Field::PktDropPackets, raw.drop_packets);
        record.set_number(Field::PktDropLatestFlags, raw.drop_flags.into());
        record.set_text(Field::PktDropLatestState, names::tcp_state(raw.drop_state));
        record.set_text(
            Field::PktDropLatestDropCause,
            names::drop_cause(raw.drop_cause),
        );
    }
}

#[inline]
fn fill_translation(record: &mut Record, raw: &Raw<'_>) -> Option<()> {
    let (source, destination) = (
        address(raw.translated_source)?,
        address(raw.translated_destination)?,
    );
    if is_zero(source) || is_zero(destination) {
        return Some(());
    }
    record.set_address(Field::XlatSrcAddr, source);
    record.set_address(Field::XlatDstAddr, destination);
    if raw.translated_source_port != 0 {
        record.set_number(Field::XlatSrcPort, raw.translated_source_port.into());
    }
    if raw.translated_destination_port != 0 {
        record.set_number(Field::XlatDstPort, raw.translated_destination_port.into());
    }
    record.set_number(Field::ZoneId, raw.zone.into());
    Some(())
}

const fn is_zero(address: Address) -> bool {
    address.bits() == 0 || matches!(address.as_v4(), Some(0))
}

#[inline]
fn fill_security(record: &mut Record, raw: &Raw<'_>) {
    if raw.ipsec_encrypted != 0 || raw.ipsec_return != 0 {
        record.set_number(Field::IPSecRetCode, raw.ipsec_return as u64);
        let status = if raw.ipsec_return == 0 {
            "success"
        } else {
            "error"
        };
        record.set_field(Field::IPSecStatus, Value::text(status));
    }
    if raw.tls_version != 0 {
        record.set_text(
            Field::TLSVersion,
            names::tls_version(raw.tls_version, raw.tls_mismatch),
        );
    }
    if raw.tls_types != 0 {
        let types = BitNames::new(raw.tls_types as u16, &names::TLS_TYPES);
        record.set_field(Field::TLSTypes, Value::Bits(types));
    }
    if raw.tls_cipher_suite != 0 {
        record.set_text(
            Field::TLSCipherSuite,
            names::tls_cipher_suite(raw.tls_cipher_suite),
        );
    }
    if raw.tls_key_share != 0 {
        record.set_text(Field::TLSGroup, names::tls_group(raw.tls_key_share));
    }
    if let Some(quic) = raw.quic {
        record.set_text(Field::QuicVersion, names::quic_version(quic.version));
        record.set_number(Field::QuicSeenLongHdr, quic.seen_long_header.into());
        record.set_number(Field::QuicSeenShortHdr, quic.seen_short_header.into());
    }
}
