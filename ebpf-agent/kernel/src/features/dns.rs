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
    clock, globals,
    maps::{DNS, DNS_QUERIES, count},
    skb::{Copied, Linear},
    table::Entry,
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

/// Takes a packet of a DNS port. A function of its own, so that its instructions do not burden other packets.
#[inline(never)]
pub fn observe(ctx: &TcContext, packet: &Packet, flow: &Entry) {
    let mut message = dns::parse(&Linear::new(ctx), packet, ctx.len() as usize);
    if matches!(message.kind, Kind::Broken) {
        // Broken, or just not in the linear part.
        message = dns::parse(&Copied(ctx), packet, ctx.len() as usize);
    }
    match message.kind {
        Kind::None => {}
        Kind::Broken => trouble(flow, message.errno),
        Kind::Header if message.is_response() => response(ctx, packet, &message, flow),
        Kind::Header => query(packet, message.id, flow),
    }
}

/// Remembers a query.
#[inline(always)]
fn query(packet: &Packet, id: u16, flow: &Entry) {
    let key = DnsQuery {
        source: packet.key.source,
        destination: packet.key.destination,
        ports: packet.key.ports,
        id_protocol: u32::from(id) | u32::from(packet.key.protocol()) << 16,
    };
    match DNS_QUERIES.insert(&key, &clock::exact(), BPF_NOEXIST.into()) {
        // A repeated query: the time runs from the first.
        Ok(()) | Err(EEXIST) => {}
        Err(error) => {
            // A packet without a flow is counted as lost already.
            if !flow.entry.is_null() {
                count(Counter::UpdateDnsFailed);
            }
            trouble(flow, error.unsigned_abs());
        }
    }
}

#[inline(always)]
fn response(ctx: &TcContext, packet: &Packet, message: &Message, flow: &Entry) {
    let key = DnsQuery {
        source: packet.key.destination,
        destination: packet.key.source,
        ports: ports(packet.key.destination_port(), packet.key.source_port()),
        id_protocol: u32::from(message.id) | u32::from(packet.key.protocol()) << 16,
    };
    let asked = DNS_QUERIES.get_ptr(&key);
    let mut latency_ns = 0;
    if let Some(asked) = asked {
        // SAFETY: a map value; it may be deleted meanwhile, but its memory stays readable for this program.
        latency_ns = clock::exact().saturating_sub(unsafe { *asked });
        // Another CPU may have taken it already, which is as good.
        let _ = DNS_QUERIES.remove(&key);
    }
    let Some(value) = data_of(flow) else {
        return;
    };
    // SAFETY: a map value that lives as long as the program runs. Two responses of one flow at once can mix; each
    // word is one of theirs.
    unsafe {
        if asked.is_none() {
            (*value).errno = ENOENT;
        }
        if message.id == 0 {
            return;
        }
        (*value).id = message.id;
        (*value).flags = message.flags;
        if latency_ns > (*value).latency_ns {
            (*value).latency_ns = latency_ns;
        }
        (*value).name = [0; DNS_NAME_MAX];
        if message.has_question {
            let name = &mut (*value).name;
            Copied(ctx).fill(message.name_offset, &mut name[..DNS_NAME_MAX - 1]);
        }
    }
}

#[inline(always)]
fn trouble(flow: &Entry, errno: u32) {
    if let Some(value) = data_of(flow) {
        // SAFETY: a map value; one word.
        unsafe { (*value).errno = errno };
    }
}

/// Where the DNS data of a flow is, empty at first; of a packet that is lost, nowhere.
#[inline(always)]
fn data_of(flow: &Entry) -> Option<*mut DnsValue> {
    if flow.entry.is_null() {
        return None;
    }
    let value = DNS.get_ptr_mut(flow.number)?;
    // SAFETY: map values. Two CPUs can both find it unused; the data of one of them is then lost to the other's.
    unsafe {
        if (*flow.entry).has_dns == 0 {
            value.write(DnsValue::EMPTY);
            (*flow.entry).has_dns = 1;
        }
    }
    Some(value)
}
