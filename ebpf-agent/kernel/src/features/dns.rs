//! DNS: matches responses to queries and keeps id, flags, latency and the question's name with the flow of the response.
//!
//! Called for packets of a DNS port that count, so that a packet crossing several interfaces is matched once.
//!
//! **Invariant:** packets are hostile: every length is checked, nothing loops over a name, and what is wrong ends as a
//! positive error number with the flow.

use aya_ebpf::{bindings::BPF_NOEXIST, programs::TcContext};
use netobserv_ebpf_abi::{Counter, DNS_NAME_MAX, DnsQuery, DnsValue, ports};
use netobserv_ebpf_kernel::packet::{
    Packet,
    dns::{self, Kind, Message},
};

use crate::{
    globals,
    maps::{ACTIVE_DNS, DNS_QUERIES, count},
    skb::Copied,
};

const PORT: u16 = 53;
const ENOENT: u32 = 2;
const EEXIST: i32 = -17;

/// Whether a packet is of a DNS port.
#[inline(always)]
pub fn is_tracked(packet: &Packet) -> bool {
    let port = globals::dns_tracking_port();
    let (source, destination) = (packet.key.source_port(), packet.key.destination_port());
    source == PORT || destination == PORT || source == port || destination == port
}

/// Takes a packet of a DNS port.
#[inline(always)]
pub fn observe(ctx: &TcContext, packet: &Packet, now: u64) {
    let message = dns::parse(&Copied(ctx), packet, ctx.len() as usize);
    let mut value = DnsValue {
        start_ns: now,
        end_ns: now,
        latency_ns: 0,
        id: 0,
        flags: 0,
        errno: 0,
        name: [0; DNS_NAME_MAX],
    };
    match message.kind {
        Kind::None => return,
        Kind::Broken => value.errno = message.errno,
        Kind::Header if message.is_response() => response(ctx, packet, &message, &mut value),
        Kind::Header => value.errno = query(packet, message.id, now),
    }
    if value.id != 0 || value.errno != 0 {
        store(packet, &value);
    }
}

/// Remembers a query; returns the positive error number.
#[inline(always)]
fn query(packet: &Packet, id: u16, now: u64) -> u32 {
    let key = DnsQuery {
        source: packet.key.source,
        destination: packet.key.destination,
        ports: packet.key.ports,
        id_protocol: u32::from(id) | u32::from(packet.key.protocol()) << 16,
    };
    match DNS_QUERIES.insert(&key, &now, BPF_NOEXIST.into()) {
        // A repeated query: the time runs from the first.
        Ok(()) | Err(EEXIST) => 0,
        Err(error) => {
            count(Counter::UpdateDnsFailed);
            error.unsigned_abs()
        }
    }
}

#[inline(always)]
fn response(ctx: &TcContext, packet: &Packet, message: &Message, value: &mut DnsValue) {
    value.id = message.id;
    value.flags = message.flags;
    let key = DnsQuery {
        source: packet.key.destination,
        destination: packet.key.source,
        ports: ports(packet.key.destination_port(), packet.key.source_port()),
        id_protocol: u32::from(message.id) | u32::from(packet.key.protocol()) << 16,
    };
    match DNS_QUERIES.get_ptr(&key) {
        Some(asked) => {
            // SAFETY: a map value; it may be deleted meanwhile, but its memory stays readable for this program.
            value.latency_ns = value.end_ns.saturating_sub(unsafe { *asked });
            // Another CPU may have taken it already, which is as good.
            let _ = DNS_QUERIES.remove(&key);
        }
        None => value.errno = ENOENT,
    }
    if message.has_question {
        Copied(ctx).fill(message.name_offset, &mut value.name[..DNS_NAME_MAX - 1]);
    }
}

/// Puts `new` with its flow.
#[inline(always)]
fn store(packet: &Packet, new: &DnsValue) {
    let Some(dns) = ACTIVE_DNS.get(0) else {
        return count(Counter::UpdateDnsFailed);
    };
    if let Some(old) = dns.get_ptr_mut(&packet.key) {
        return merge(old, new);
    }
    match dns.insert(&packet.key, new, BPF_NOEXIST.into()) {
        Ok(()) => {}
        Err(EEXIST) => match dns.get_ptr_mut(&packet.key) {
            Some(old) => merge(old, new),
            None => count(Counter::UpdateDnsFailed),
        },
        Err(_) => count(Counter::UpdateDnsFailed),
    }
}

#[inline(always)]
fn merge(old: *mut DnsValue, new: &DnsValue) {
    // SAFETY: a map value that lives as long as the program runs. Two responses of one flow at once can mix; each
    // word is one of theirs.
    let old = unsafe { &mut *old };
    old.end_ns = new.end_ns;
    if new.id != 0 {
        old.id = new.id;
        old.flags = new.flags;
        old.name = new.name;
        if new.latency_ns > old.latency_ns {
            old.latency_ns = new.latency_ns;
        }
    }
    if new.errno != 0 {
        old.errno = new.errno;
    }
}
