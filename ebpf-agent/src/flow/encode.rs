//! One flow to one `pbflow.Record`, and records to a `pbflow.Records` message, without an object in between.
//!
//! Called by eviction with what it read from the kernel; the result goes to an exporter as it is.
//!
//! **Invariant:** the bytes are what a protobuf library would write for the same message.

use std::net::IpAddr;

use bytes::Bytes;

use super::{Clock, dns_name, wire::Wire};
use crate::interfaces::model::NetnsId;
use crate::kernel::abi::{
    Address, DnsValue, ETHERTYPE_IPV6, FlowKey, FlowValue, Observed, is_ipv4,
};

/// More bytes than any record has, for sizing a first buffer: seven interfaces and a full DNS name included.
pub const RECORD_LENGTH_MAX: usize = 640;

/// What interfaces are called.
pub trait Names {
    fn name(&mut self, netns: NetnsId, index: u32) -> &str;
}

/// A flow with what the features know of it.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub key: &'a FlowKey,
    pub value: &'a FlowValue,
    pub dns: Option<&'a DnsValue>,
}

/// A whole `pbflow.Records` message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedBatch {
    pub body: Bytes,
    pub records: u32,
}

/// Joins records to messages of at most so many.
pub struct Encoder {
    agent_ip: Vec<u8>,
    records_max: u32,
    buffer: Vec<u8>,
    records: u32,
    /// Of the last message: the next is probably as long.
    capacity: usize,
}

impl Encoder {
    /// `records_max` is at least 1.
    pub fn new(agent_ip: Option<IpAddr>, records_max: u32) -> Self {
        let mut encoded = Vec::new();
        Wire(&mut encoded).nested(12, |ip| match agent_ip.map(|ip| ip.to_canonical()) {
            Some(IpAddr::V4(address)) => ip.fixed32(1, address.into()),
            Some(IpAddr::V6(address)) => ip.bytes(2, &address.octets()),
            None => ip.bytes(2, &[]),
        });
        Self {
            agent_ip: encoded,
            records_max: records_max.max(1),
            buffer: Vec::new(),
            records: 0,
            capacity: 16 * RECORD_LENGTH_MAX,
        }
    }

    /// Appends a record; returns the message that it completed.
    pub fn push(
        &mut self,
        record: &Record<'_>,
        clock: &Clock,
        names: &mut dyn Names,
    ) -> Option<EncodedBatch> {
        if self.buffer.capacity() == 0 {
            self.buffer.reserve(self.capacity);
        }
        let agent_ip = &self.agent_ip;
        entry(&mut self.buffer, |wire| {
            write(wire, record, clock, names, agent_ip);
        });
        self.records += 1;
        if self.records == self.records_max {
            self.finish()
        } else {
            None
        }
    }

    /// The message so far, if it has any record.
    pub fn finish(&mut self) -> Option<EncodedBatch> {
        if self.records == 0 {
            return None;
        }
        self.capacity = self.buffer.len() + self.buffer.len() / 8;
        let records = std::mem::take(&mut self.records);
        Some(EncodedBatch {
            body: std::mem::take(&mut self.buffer).into(),
            records,
        })
    }
}

/// Appends one element of `Records.entries`. Its length has two bytes nearly always, one otherwise, and never three.
#[inline]
fn entry(buffer: &mut Vec<u8>, write: impl FnOnce(&mut Wire<'_>)) {
    const TAG: u8 = 1 << 3 | 2;
    let start = buffer.len();
    buffer.extend_from_slice(&[TAG, 0, 0]);
    write(&mut Wire(buffer));
    let length = buffer.len() - start - 3;
    debug_assert!(
        length < 1 << 14,
        "a record has at most {RECORD_LENGTH_MAX} bytes"
    );
    if length < 0x80 {
        buffer.remove(start + 2);
        buffer[start + 1] = length as u8;
    } else {
        buffer[start + 1] = length as u8 | 0x80;
        buffer[start + 2] = (length >> 7) as u8;
    }
}

fn write(
    wire: &mut Wire<'_>,
    record: &Record<'_>,
    clock: &Clock,
    names: &mut dyn Names,
    agent_ip: &[u8],
) {
    let Record { key, value, dns } = *record;
    let ethertype = value.ethertype;
    let direction = value.first.direction();
    let (source_mac, destination_mac) = value.macs();

    wire.uint(1, ethertype.into());
    wire.uint(2, direction.into());
    wire.nested(3, |time| timestamp(time, clock.wall(value.start_ns)));
    wire.nested(4, |time| timestamp(time, clock.wall(value.end_ns)));
    wire.nested(5, |link| {
        link.uint(1, mac(source_mac));
        link.uint(2, mac(destination_mac));
    });
    let is_ipv6 = ethertype == ETHERTYPE_IPV6;
    wire.nested(6, |network| {
        network.nested(1, |ip| address(ip, &key.source, is_ipv6));
        network.nested(2, |ip| address(ip, &key.destination, is_ipv6));
        network.uint(3, value.dscp.into());
    });
    wire.nested(7, |transport| {
        transport.uint(1, key.source_port().into());
        transport.uint(2, key.destination_port().into());
        transport.uint(3, key.protocol().into());
    });
    wire.uint(8, value.bytes);
    wire.uint(9, value.packets);
    wire.0.extend_from_slice(agent_ip);
    wire.uint(13, value.flags.into());
    wire.uint(14, key.icmp_type().into());
    wire.uint(15, key.icmp_code().into());
    if let Some(dns) = dns {
        wire.uint(21, dns.id.into());
        wire.uint(22, dns.flags.into());
        if dns.latency_ns != 0 {
            wire.nested(23, |time| timestamp(time, dns.latency_ns));
        }
    }
    wire.nested(24, |time| timestamp(time, value.rtt_ns));
    if let Some(dns) = dns {
        wire.uint(25, dns.errno.into());
    }
    interface(wire, names, value.first);
    for &observed in value
        .observed
        .iter()
        .take_while(|observed| !observed.is_none())
    {
        interface(wire, names, observed);
    }
    wire.uint(29, value.sampling.into());
    if let Some(dns) = dns
        && dns.name[0] != 0
    {
        wire.nested(32, |name| dns_name::decode(&dns.name, name.0));
    }
}

/// An element of `dup_list`.
fn interface(wire: &mut Wire<'_>, names: &mut dyn Names, observed: Observed) {
    let name = names.name(NetnsId(observed.netns()), observed.index());
    // The kernel's longest has 15; a reader of names could make up anything.
    let end = name.floor_char_boundary(32);
    wire.nested(26, |entry| {
        entry.bytes(1, &name.as_bytes()[..end]);
        entry.uint(2, observed.direction().into());
    });
}

/// Also a `Duration`, which has the same fields.
fn timestamp(wire: &mut Wire<'_>, nanoseconds: u64) {
    wire.uint(1, nanoseconds / 1_000_000_000);
    wire.uint(2, nanoseconds % 1_000_000_000);
}

fn mac(address: [u8; 6]) -> u64 {
    address
        .iter()
        .fold(0, |number, &byte| number << 8 | u64::from(byte))
}

fn address(wire: &mut Wire<'_>, address: &Address, is_ipv6: bool) {
    if !is_ipv6 && is_ipv4(address) {
        wire.fixed32(1, u32::from_be(address[3]));
    } else {
        let mut octets = [0; 16];
        for (target, word) in octets.chunks_exact_mut(4).zip(address) {
            target.copy_from_slice(&word.to_ne_bytes());
        }
        wire.bytes(2, &octets);
    }
}

#[cfg(test)]
mod tests;
